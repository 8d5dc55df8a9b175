import { checkPositive } from "../../errors/check-options.ts";
import { UsageError } from "../../errors/index.ts";
import { type ChannelCase, DEFAULT_TIMEOUT_MS, runSteps } from "./channel-case.ts";
import {
  callDriver,
  type ChannelClientDriver,
  type ChannelClientHarness,
} from "./client-driver.ts";
import { channelClientScripts } from "./client-scripts/index.ts";
import { runConnectionStep, ScriptState } from "./connection-steps.ts";
import { fromDriver, toDriver } from "./driver-values.ts";
import { fill, match, show } from "./pattern.ts";
import type { ClientScript, ClientStep, ScriptValue } from "./script.ts";
import { within } from "./script-connection.ts";
import { ScriptServer } from "./script-server.ts";

/**
 * Creates the test cases that every client of channels must pass, for any test runner. In each case, a script
 * is the server. The client may be written in any language: the driver of the harness passes calls on to it.
 * Cases may run in parallel.
 *
 * @example
 * ```ts
 * for (const { name, run } of channelClientSuite({ open: (options) => openMyClient(options) })) it(name, run);
 * ```
 *
 * @throws UsageError `INVALID_OPTION`
 */
export function channelClientSuite(harness: ChannelClientHarness): readonly ChannelCase[] {
  if (typeof (harness as ChannelClientHarness | undefined | null)?.open !== "function") {
    throw new UsageError(
      "INVALID_OPTION",
      "channelClientSuite: the harness has no method open; pass an object such as { open: (options) => openMyClient(options) }",
    );
  }
  checkPositive("channelClientSuite", "timeoutMs", harness.timeoutMs);
  return channelClientScripts.map((script) => ({
    name: script.name,
    run: () => runClientScript(harness, script),
  }));
}

async function runClientScript(
  harness: ChannelClientHarness,
  { options = {}, steps }: ClientScript,
): Promise<void> {
  const { isInMemory = false, timeoutMs = DEFAULT_TIMEOUT_MS } = harness;
  const { auth = [null], creditBytes = 262_144 } = options;
  const server = await ScriptServer.start(isInMemory, timeoutMs);
  let asked = 0;
  const driver = await harness.open({
    url: server.url,
    auth: () => auth[Math.min(asked++, auth.length - 1)],
    creditBytes,
    ...(server.network !== undefined && { network: server.network }),
  });
  const run = new ClientRun(server, driver, timeoutMs);
  try {
    await runSteps(steps, (step) => run.step(step));
  } finally {
    for (const connection of run.state.connections.values()) connection.drop();
    await close(driver, timeoutMs);
    await server.stop();
  }
}

/** Closes the client. An error of it does not hide why a step failed. */
async function close(driver: ChannelClientDriver, timeoutMs: number): Promise<void> {
  try {
    await within(driver.close(), timeoutMs, "an end of the client");
  } catch {
    // The scripts of `close` check its result.
  }
}

/** The result of a step, once it has settled. */
type Outcome = { readonly value: unknown } | { readonly error: unknown };

/** A script for a client that is running. */
class ClientRun {
  readonly state: ScriptState = new ScriptState();
  readonly #server: ScriptServer;
  readonly #driver: ChannelClientDriver;
  readonly #timeoutMs: number;
  readonly #outcomes = new Map<string, Promise<Outcome>>();
  readonly #iterators = new Map<string, AsyncIterator<unknown>>();

  constructor(server: ScriptServer, driver: ChannelClientDriver, timeoutMs: number) {
    this.#server = server;
    this.#driver = driver;
    this.#timeoutMs = timeoutMs;
  }

  async step(step: ClientStep): Promise<void> {
    if ("accept" in step) this.state.connections.set(step.accept, await this.#server.accept());
    else if ("run" in step) this.#run(step);
    else if ("next" in step) this.#record(step.as, this.#iterator(step.next).next());
    else if ("end" in step) void this.#iterator(step.end).return?.();
    else if ("expectValue" in step) await this.#expectValue(step.of, step.expectValue);
    else if ("expectError" in step) await this.#expectError(step.of, step.expectError);
    else await runConnectionStep(this.state, step);
  }

  #run({ run, arguments: values = [], as }: Extract<ClientStep, { run: unknown }>): void {
    const filled = values.map((value) => toDriver(fill(value, this.state.variables)));
    const result = callDriver(this.#driver, run, filled);
    if (run === "messages" || run === "stream" || run === "members") {
      this.#iterators.set(as, result as AsyncIterator<unknown>);
    } else {
      this.#record(as, result as Promise<unknown>);
    }
  }

  #iterator(name: string): AsyncIterator<unknown> {
    const iterator = this.#iterators.get(name);
    if (iterator === undefined) throw new Error(`no step has returned the iterator ${name}`);
    return iterator;
  }

  #record(as: string, result: Promise<unknown>): void {
    const outcome = result.then(
      (value) => ({ value: fromDriver(value) }),
      (error: unknown) => ({ error: fromDriver(error) }),
    );
    this.#outcomes.set(as, outcome);
  }

  async #expectValue(of: string, pattern: ScriptValue): Promise<void> {
    const outcome = await this.#outcome(of);
    if ("error" in outcome) throw new Error(`it failed with ${show(outcome.error)}`);
    this.#take(pattern, outcome.value);
  }

  async #expectError(of: string, pattern: ScriptValue): Promise<void> {
    const outcome = await this.#outcome(of);
    if (!("error" in outcome)) throw new Error(`it did not fail, and returned ${show(outcome)}`);
    this.#take(pattern, outcome.error);
  }

  #outcome(of: string): Promise<Outcome> {
    const outcome = this.#outcomes.get(of);
    if (outcome === undefined) throw new Error(`there is no step ${of}`);
    return within(outcome, this.#timeoutMs, "a result");
  }

  #take(pattern: ScriptValue, actual: unknown): void {
    const result = match(pattern, actual, this.state.variables);
    if ("mismatch" in result) throw new Error(`got ${show(actual)}: ${result.mismatch}`);
    this.state.variables = result.variables;
  }
}
