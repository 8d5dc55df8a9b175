import { connect, PublicationsLostError } from "tideway/channels";
import type { contract } from "../contract.ts";
import { Conversation } from "./conversation.ts";

const byId = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;

/** The same for all tabs of this browser, and in the address, so that it can be opened elsewhere. */
const address = new URL(location.href);
const conversation =
  address.searchParams.get("conversation") ??
  (localStorage["conversation"] as string | undefined) ??
  crypto.randomUUID();
localStorage["conversation"] = conversation;
address.searchParams.set("conversation", conversation);
history.replaceState(null, "", address);

/** The servers, first the server of this page. Each attempt to connect takes the next one. */
let servers = [location.origin];
let attempts = 0;

const client = connect<typeof contract>(
  () => `${servers[attempts++ % servers.length].replace("http", "ws")}/assistant/channels`,
  { initialDelayMs: 300, maxDelayMs: 2_000 },
);
const topic = client.topic("conversations/:conversation", { conversation });
const log = new Conversation(byId("log"), (id) => {
  client.call("stop", { conversation, id }).catch(sayError);
});

client.onStateChange.listen(showState);
showState();
showMessages().catch(sayError);

async function showMessages(): Promise<void> {
  try {
    for await (const { data } of topic.messages({ last: 5_000 })) log.show(data);
  } catch (error) {
    if (!(error instanceof PublicationsLostError)) throw error;
    log.clear();
    say(
      "notice",
      "The server has lost the conversation: it keeps it in memory, and has restarted.",
    );
    await showMessages();
  }
}

function showState(): void {
  if (client.state === "open") showServer().catch(sayError);
  else if (client.state === "closed") say("status", "Disconnected. Reload the page.");
  else say("status", attempts > 1 ? "Connecting again" : "Connecting");
}

async function showServer(): Promise<void> {
  const about = await client.call("about");
  servers = [...about.servers];
  // The next attempt takes the server after this one.
  attempts = servers.indexOf(about.server) + 1;
  say("status", `Connected to ${about.server} (process ${about.processId})`);
  say(
    "limits",
    about.isInMemory
      ? "This server keeps the conversation in memory. The conversation survives a reload, and you can open it in a second tab. It does not survive the end of the server: for that, start the example with Redis."
      : "Redis keeps the conversation. The answer continues after a reload, in a second tab, and when the server of this page is killed.",
  );
}

function say(id: "status" | "limits" | "notice" | "error", text: string): void {
  byId(id).textContent = text;
}

function sayError(error: unknown): void {
  say("error", (error as Error).message);
}

const form = byId<HTMLFormElement>("form");
const input = byId<HTMLInputElement>("question");

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = input.value.trim();
  if (text === "") return;
  input.value = "";
  say("error", "");
  client.call("ask", { conversation, text }).catch((error: unknown) => {
    sayError(error);
    input.value ||= text;
  });
});
