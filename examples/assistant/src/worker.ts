// Answers questions: node dist/worker.js, with SERVERS and WORKER_KEY. It is a client of the servers.
import { setTimeout as delay } from "node:timers/promises";
import { ChannelError, connect } from "tideway/channels";
import type { contract, Message, Question } from "./contract.ts";
import { generate } from "./generate.ts";

/** The time between two tokens, in milliseconds. */
const TOKEN_MS = Number(process.env["TOKEN_MS"] ?? 70);
const RETRY_MS = 1_000;
/** Questions that a worker looks at when it starts, because the worker before it may not have answered them. */
const LATEST = 100;

const servers = process.env["SERVERS"]!.split(",");
let attempts = 0;
const client = connect<typeof contract>(
  () => `${servers[attempts++ % servers.length].replace("http", "ws")}/assistant/channels`,
  { auth: process.env["WORKER_KEY"]!, initialDelayMs: 200 },
);
console.log(
  `The worker answers the questions of ${servers.join(" and ")} (process ${process.pid})`,
);

// The process that has started this one is gone.
process.once("disconnect", () => process.exit());

/** The failures that end when the servers and the broker are back. The ids make a second attempt harmless. */
const PASSING: ReadonlySet<string> = new Set(["UNAVAILABLE", "UNCONFIRMED", "CONNECTION_LOST"]);

const running = new Map<string, AbortController>();

for await (const { data } of client.topic("tasks").messages({ last: LATEST, onLost: () => {} })) {
  if (data.type === "stop") running.get(data.id)?.abort();
  else if (!running.has(data.id)) void answer(data);
}

async function answer(question: Question): Promise<void> {
  const stopping = new AbortController();
  running.set(question.id, stopping);
  try {
    await publishTokens(question, stopping.signal);
  } catch (error) {
    if (!stopping.signal.aborted) console.error(error);
  }
  running.delete(question.id);
}

/** Publishes the tokens that the topic does not have yet, and the end. */
async function publishTokens(
  { conversation, id, text }: Question,
  signal: AbortSignal,
): Promise<void> {
  const topic = client.topic("conversations/:conversation", { conversation });
  const publish = (message: Message, messageId: string): Promise<unknown> =>
    retry(signal, () => topic.publish(message, { id: messageId, signal }));
  const { messages } = await retry(signal, () => topic.history({ limit: 1_000, signal }));
  const ofThis = messages.filter(({ data }) => data.id === id);
  if (ofThis.length === 0 || ofThis.some(({ data }) => data.type === "end")) return;

  const tokens = generate(id, text);
  const first = ofThis.filter(({ data }) => data.type === "token").length;
  for (let index = first; index < tokens.length; index++) {
    await delay(TOKEN_MS, undefined, { signal });
    // Another worker publishes the same tokens with the same ids, so that each one is stored once.
    await publish({ type: "token", id, text: tokens[index] }, `${id}-${index}`);
  }
  await publish({ type: "end", id, isStopped: false }, `${id}-end`);
}

/** Calls `run` until it succeeds, or fails in a way that another attempt does not change. */
async function retry<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof ChannelError && PASSING.has(error.code))) throw error;
      await delay(RETRY_MS, undefined, { signal });
    }
  }
}
