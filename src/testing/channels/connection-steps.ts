import { fill, type Match, match, show, type Variables } from "./pattern.ts";
import type { ConnectionStep, ScriptFrame } from "./script.ts";
import { fromHex, type ReceivedFrame, type ScriptConnection } from "./script-connection.ts";

/** The variables and connections of a script that is running. */
export class ScriptState {
  variables: Variables = new Map([
    ["run", crypto.randomUUID().slice(0, 8)],
    ["session", randomSecret()],
    ["session2", randomSecret()],
    ["session3", randomSecret()],
  ]);
  readonly connections: Map<string, ScriptConnection> = new Map();

  /** @throws Error if no step has opened the connection */
  connection(name = "a"): ScriptConnection {
    const connection = this.connections.get(name);
    if (connection === undefined) throw new Error(`there is no connection ${name}`);
    return connection;
  }
}

/** Runs a step on a connection. @throws Error if the other end does not do what the step expects */
export async function runConnectionStep(state: ScriptState, step: ConnectionStep): Promise<void> {
  const connection = state.connection(step.on);
  if ("send" in step) connection.send(fill(step.send, state.variables), step.bytes);
  else if ("sendText" in step) connection.sendMessage(step.sendText);
  else if ("sendBytes" in step) connection.sendMessage(fromHex(step.sendBytes));
  else if ("expect" in step) take({ ...step, frame: step.expect }, await connection.next(), state);
  else if ("expectAll" in step) await expectAll(state, connection, step.expectAll);
  else if ("expectClose" in step) await expectClose(connection, step.expectClose);
  else if ("close" in step) connection.close(step.close);
  else connection.drop();
}

async function expectAll(
  state: ScriptState,
  connection: ScriptConnection,
  frames: readonly ScriptFrame[],
): Promise<void> {
  const rest = [...frames];
  while (rest.length > 0) {
    const received = await connection.next();
    const index = rest.findIndex((frame) => "variables" in matchFrame(frame, received, state));
    if (index === -1) throw new Error(`got ${show(received)}; expected one of ${show(rest)}`);
    take(rest.splice(index, 1)[0], received, state);
  }
}

async function expectClose(connection: ScriptConnection, expected: number): Promise<void> {
  const code = await connection.closed();
  if (code !== expected) throw new Error(`the connection closed with ${code}`);
}

/** Compares a frame that arrived, and stores its values in variables. @throws Error */
function take(expected: ScriptFrame, received: ReceivedFrame, state: ScriptState): void {
  const result = matchFrame(expected, received, state);
  if ("mismatch" in result) throw new Error(`got ${show(received)}: ${result.mismatch}`);
  state.variables = result.variables;
}

function matchFrame(expected: ScriptFrame, received: ReceivedFrame, state: ScriptState): Match {
  if (expected.bytes !== received.bytes) {
    return { mismatch: `the bytes are ${received.bytes}; expected ${expected.bytes}` };
  }
  return match(expected.frame, received.frame, state.variables);
}

/** 128 random bits in base64url. */
function randomSecret(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64url");
}
