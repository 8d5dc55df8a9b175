import { readFileSync } from "node:fs";
import { type Arbitrary, constantFrom, sample } from "fast-check";
import { TidewayError, WebSocket } from "../../src/node/index.ts";
import { type ServeOptions, serve, type Server } from "../../src/node/server.ts";
import { HTTP1_LIVES, liveOverHttp1 } from "./http1-peer.ts";
import { HTTP2_LIVES, liveOverHttp2 } from "./http2-peer.ts";
import { countHoldings, findLeaks, type Holdings } from "./leaks.ts";
import { makeRoutes, PlannedFault } from "./routes.ts";

/** The protocols of the peers. */
export type Protocol = "HTTP/1.1" | "HTTP/1.1 over TLS" | "HTTP/2";

export const PROTOCOLS: readonly Protocol[] = ["HTTP/1.1", "HTTP/1.1 over TLS", "HTTP/2"];

export interface ChaosOptions {
  readonly protocol: Protocol;
  readonly seed: number;
  /** The number of concurrent peers. */
  readonly peersPerRound: number;
  /** Called before each round. */
  readonly isOver: (round: number) => boolean;
  readonly onProgress?: (line: string) => void;
}

export interface ChaosResult {
  readonly rounds: number;
  readonly peers: number;
  /** All violations, such as a leak or an unplanned error. */
  readonly violations: readonly string[];
}

const read = (name: string): Buffer => readFileSync(`test/support/certificates/${name}`);

const LIMITS: Partial<ServeOptions> = {
  handshakeTimeoutMs: 500,
  closeTimeoutMs: 100,
  maxMessagesPerSecond: 10_000,
  maxBufferedBytes: 200_000,
  heartbeat: { idleMs: 1000, timeoutMs: 1000 },
  compression: true,
};

/** The rounds after which everything is loaded and compiled. */
const WARM_UP_ROUNDS = 2;

/**
 * The time in which the server must drop the last peers: the sum of its timeouts, with reserve for
 * a slow machine.
 */
const SETTLE_MS = 60_000;

/** Runs rounds of faulty peers against routes with faulty code. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { protocol, seed, peersPerRound, isOver, onProgress = () => {} } = options;
  const violations: string[] = [];
  const onUncaught = (error: unknown): void => {
    violations.push(`an error escaped: ${describe(error)}`);
  };
  process.on("uncaughtException", onUncaught).on("unhandledRejection", onUncaught);
  let rounds = 0;
  try {
    let before: Holdings | undefined;
    while (!isOver(rounds)) {
      violations.push(...(await runRound(protocol, seed + rounds, peersPerRound)));
      rounds++;
      const holdings = await settle(before);
      if (rounds === WARM_UP_ROUNDS) before = holdings;
      const leaks = before === undefined ? [] : findLeaks(before, holdings);
      violations.push(...leaks.map((leak) => `after round ${rounds}: ${leak}`));
      const heapMib = (holdings.heapBytes / 1_048_576).toFixed(1);
      onProgress(`${protocol}, round ${rounds}: ${heapMib} MiB, ${violations.length} violations`);
      if (violations.length > 0) break;
    }
  } finally {
    process.off("uncaughtException", onUncaught).off("unhandledRejection", onUncaught);
  }
  return { rounds, peers: rounds * peersPerRound, violations };
}

/** Runs one round. Returns all violations. */
async function runRound(protocol: Protocol, seed: number, count: number): Promise<string[]> {
  const violations: string[] = [];
  const isSecure = protocol !== "HTTP/1.1";
  const server = await serve({
    host: "127.0.0.1",
    port: 0,
    ...LIMITS,
    ...(isSecure && { tls: { cert: read("localhost.crt"), key: read("localhost.key") } }),
    onError: (error) => {
      if (!isPlanned(error)) violations.push(`an error was reported: ${describe(error)}`);
    },
    // Without a listener, refusals would fill the console.
    onRefused: () => {},
    routes: makeRoutes(),
  });
  const bystander = new Bystander(server, isSecure);
  try {
    // Connects before the peers: on a slow machine, a hundred concurrent TLS handshakes would
    // exceed its timeout.
    await bystander.opened;
    const blocking = blockEventLoop(seed);
    await Promise.all(makePeers(protocol, server.port, seed, count));
    blocking.stop();
    violations.push(...(await bystander.leave()));
    await until(() => server.sockets.size === 0);
    if (server.sockets.size > 0) violations.push(`${server.sockets.size} sockets stay open`);
  } finally {
    await server.stop({ timeoutMs: 2000 });
  }
  return violations;
}

function makePeers(protocol: Protocol, port: number, seed: number, count: number): Promise<void>[] {
  if (protocol === "HTTP/2") {
    return draw(HTTP2_LIVES, seed, count).map((life) => liveOverHttp2(port, life));
  }
  const isSecure = protocol === "HTTP/1.1 over TLS";
  return draw(HTTP1_LIVES, seed, count).map((life) => liveOverHttp1(port, isSecure, life));
}

function draw<T>(arbitrary: Arbitrary<T>, seed: number, count: number): T[] {
  return sample(arbitrary, { seed, numRuns: count });
}

/** A well-behaved client, which must get its echo while the others misbehave. */
class Bystander {
  readonly #socket: WebSocket;
  readonly #exchanged: Promise<string[]>;
  /** Never rejects. Returns errors as violations. */
  readonly opened: Promise<unknown>;
  #isLeaving = false;

  constructor(server: Server, isSecure: boolean) {
    this.#socket = new WebSocket(`${server.url.replace("http", "ws")}/echo`, undefined, {
      ...(isSecure && { tls: { rejectUnauthorized: false } }),
    });
    this.opened = this.#socket.onOpen.first.catch(() => {});
    this.#exchanged = this.#exchange();
  }

  /** Returns its violations. */
  leave(): Promise<string[]> {
    this.#isLeaving = true;
    return this.#exchanged;
  }

  async #exchange(): Promise<string[]> {
    try {
      await this.#socket.onOpen.first;
      const received = this.#socket.onMessage[Symbol.asyncIterator]();
      for (let count = 0; !this.#isLeaving || count < 3; count++) {
        const text = `${count} `.repeat(1 + (count % 100));
        this.#socket.send(text);
        const { value } = await received.next();
        if (value?.data !== text) return [`a bystander got ${describe(value?.data)} for its text`];
      }
      const closed = this.#socket.onClose.first;
      this.#socket.close(1000);
      const { wasClean } = await closed;
      return wasClean ? [] : ["a bystander was not closed cleanly"];
    } catch (error) {
      return [`a bystander was harmed: ${describe(error)}`];
    }
  }
}

/** Blocks the event loop at intervals, like a slow handler. */
function blockEventLoop(seed: number): { stop(): void } {
  const lengthsMs = draw(constantFrom(0, 0, 20, 50, 150), seed, 20);
  const timer = setInterval(() => {
    const untilMs = performance.now() + (lengthsMs.pop() ?? 0);
    while (performance.now() < untilMs);
  }, 10);
  return { stop: () => clearInterval(timer) };
}

function isPlanned(error: unknown): boolean {
  // Some planned faults throw when they are read. A value that cannot be an error of this package
  // is planned.
  if (!isError(error)) return true;
  return (
    error instanceof PlannedFault ||
    (error instanceof TidewayError && EXPECTED_CODES.includes(error.code))
  );
}

function isError(value: unknown): value is Error {
  try {
    return value instanceof Error;
  } catch {
    return false;
  }
}

/** The errors reported when routes return invalid values or decide too late. */
const EXPECTED_CODES: readonly string[] = [
  "NO_RESPONSE",
  "AUTHORIZE_TIMEOUT",
  "INVALID_AUTHORIZATION",
  "SOCKET_NOT_READ",
];

function describe(error: unknown): string {
  try {
    return error instanceof Error ? String(error.stack) : String(error);
  } catch {
    return "a value that throws";
  }
}

/** Waits until there are no more resources than `before`, up to the time limit. */
async function settle(before: Holdings | undefined): Promise<Holdings> {
  let holdings = countHoldings();
  const untilMs = performance.now() + SETTLE_MS;
  while (performance.now() < untilMs) {
    const isQuiet = before === undefined || findLeaks(before, holdings).length === 0;
    await new Promise((resolve) => setTimeout(resolve, 100));
    const next = countHoldings();
    if (isQuiet && next.descriptors === holdings.descriptors) return next;
    holdings = next;
  }
  return holdings;
}

async function until(isTrue: () => boolean): Promise<void> {
  const untilMs = performance.now() + SETTLE_MS;
  while (!isTrue() && performance.now() < untilMs) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
