import { connect as connectTcp } from "node:net";
import type { Duplex } from "node:stream";
import { type ByteStream, type ConnectionTarget, WebSocket } from "tideway";
import { checkPositive } from "../../errors/check-options.ts";
import { UsageError } from "../../errors/index.ts";
import { type ChannelCase, DEFAULT_TIMEOUT_MS, runSteps } from "./channel-case.ts";
import { runConnectionStep, ScriptState } from "./connection-steps.ts";
import type { ServerScript, ServerStep } from "./script.ts";
import { ScriptConnection, within } from "./script-connection.ts";
import { channelServerScripts } from "./server-scripts/index.ts";

/** How `channelServerSuite` reaches the server under test. */
export interface ChannelServerHarness {
  /** The URL of the route, with the scheme `ws:` or `wss:`. */
  readonly url: string;
  /** Opens a byte stream to the server. Default: a TCP connection to the host of the URL. */
  readonly connect?: () => Duplex | Promise<Duplex>;
  /** How long a step of a script may take, in milliseconds. Default: 10,000. */
  readonly timeoutMs?: number;
}

const SUBPROTOCOL = "tideway.channels.1";

/**
 * Creates the test cases that every server of channels must pass, for any test runner. The server may be
 * written in any language. It must serve the contract that the guide "Testing" describes. Cases use separate
 * topics, and may run in parallel.
 *
 * @example
 * ```ts
 * for (const { name, run } of channelServerSuite({ url: "ws://localhost:8080/api" })) it(name, run);
 * ```
 *
 * @throws UsageError `INVALID_OPTION`
 */
export function channelServerSuite(harness: ChannelServerHarness): readonly ChannelCase[] {
  if (typeof (harness as ChannelServerHarness | undefined | null)?.url !== "string") {
    throw new UsageError(
      "INVALID_OPTION",
      'channelServerSuite: the harness has no url; pass an object such as { url: "ws://localhost:8080/api" }',
    );
  }
  checkPositive("channelServerSuite", "timeoutMs", harness.timeoutMs);
  return channelServerScripts.map((script) => ({
    name: script.name,
    run: () => runServerScript(harness, script),
  }));
}

async function runServerScript(
  harness: ChannelServerHarness,
  { steps }: ServerScript,
): Promise<void> {
  const state = new ScriptState();
  try {
    await runSteps(steps, (step) => runStep(harness, state, step));
  } finally {
    for (const connection of state.connections.values()) connection.drop();
  }
}

async function runStep(
  harness: ChannelServerHarness,
  state: ScriptState,
  step: ServerStep,
): Promise<void> {
  if (!("connect" in step)) await runConnectionStep(state, step);
  else state.connections.set(step.connect, await open(harness, step.protocols ?? [SUBPROTOCOL]));
}

async function open(
  { url, connect, timeoutMs = DEFAULT_TIMEOUT_MS }: ChannelServerHarness,
  protocols: readonly string[],
): Promise<ScriptConnection> {
  let stream: ByteStream | undefined;
  const createConnection = async (target: ConnectionTarget): Promise<ByteStream> =>
    (stream = connect === undefined ? connectTcp({ ...target }) : await connect());
  const socket = new WebSocket(url, { protocols, createConnection });
  const drop = (): void => void stream?.destroy();
  const connection = follow(socket, drop, timeoutMs);
  await within(socket.onOpen.first, timeoutMs, "an open connection");
  const [first = ""] = protocols;
  if (socket.protocol === first) return connection;
  drop();
  throw new Error(`the server chose the subprotocol "${socket.protocol}"`);
}

function follow(socket: WebSocket, drop: () => void, timeoutMs: number): ScriptConnection {
  const connection = new ScriptConnection(
    { send: (message) => socket.send(message), close: (code) => socket.close(code), drop },
    timeoutMs,
  );
  socket.binaryType = "arraybuffer";
  socket.onMessage.listen(({ data }) => {
    connection.receive(typeof data === "string" ? data : new Uint8Array(data as ArrayBuffer));
  });
  socket.onClose.listen(({ code, reason }) => connection.end(code, reason));
  return connection;
}
