import { WebSocket } from "tideway";
import type { Installed } from "./all-pairs.ts";
import { Pairs, type ServerInRuntime } from "./pairs.ts";

/** The CPU time of one echo in a server, in microseconds, by the length of the message in bytes. */
export type Speed = Readonly<Record<string, number>>;

const LENGTHS = [125, 16_384];
const SOCKETS = 8;
const ROUNDS = 5;
const MESSAGES_PER_ROUND = 2_000;

/**
 * Measures servers in runtimes with the same client. Rounds of the servers alternate, so that the load of the machine
 * affects all of them. The result of a server is the median of its rounds.
 */
export async function measureServers(runtimes: readonly Installed[]): Promise<Map<string, Speed>> {
  const pairs = await Pairs.bundle();
  const servers: Array<readonly [name: string, server: ServerInRuntime]> = [];
  try {
    for (const [name, path] of runtimes) servers.push([name, await pairs.startServer(path)]);
    const speeds = new Map<string, Record<string, number>>(runtimes.map(([name]) => [name, {}]));
    for (const length of LENGTHS) {
      const rounds = await alternate(servers, length);
      for (const [name, costs] of rounds) speeds.get(name)![length] = median(costs);
    }
    return speeds;
  } finally {
    for (const [, server] of servers) await server[Symbol.asyncDispose]();
    await pairs[Symbol.asyncDispose]();
  }
}

async function alternate(
  servers: ReadonlyArray<readonly [string, ServerInRuntime]>,
  length: number,
): Promise<Map<string, number[]>> {
  const costs = new Map<string, number[]>(servers.map(([name]) => [name, []]));
  // The first round warms up.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, server] of servers) {
      const cost = await costOfEcho(server, length);
      if (round > 0) costs.get(name)!.push(cost);
    }
  }
  return costs;
}

async function costOfEcho({ ports: [port] }: ServerInRuntime, length: number): Promise<number> {
  const sockets = Array.from(
    { length: SOCKETS },
    () => new WebSocket(`ws://127.0.0.1:${port}/plain`, { protocols: ["a"] }),
  );
  await Promise.all(sockets.map((socket) => socket.onOpen.first));
  const before = await cpuTime(port);
  await Promise.all(sockets.map((socket) => echo(socket, new Uint8Array(length))));
  const after = await cpuTime(port);
  for (const socket of sockets) socket.close();
  await Promise.all(sockets.map((socket) => socket.onClose.first));
  return (after - before) / (SOCKETS * MESSAGES_PER_ROUND);
}

/** Keeps sixteen messages without an echo. */
function echo(socket: WebSocket, message: Uint8Array<ArrayBuffer>): Promise<void> {
  let sent = 0;
  let received = 0;
  const send = (): void => {
    if (sent++ < MESSAGES_PER_ROUND) socket.send(message);
  };
  return new Promise((resolve) => {
    socket.onmessage = () => {
      if (++received === MESSAGES_PER_ROUND) resolve();
      send();
    };
    for (let each = 0; each < 16; each++) send();
  });
}

/** The CPU time of the server's process so far, in microseconds. */
async function cpuTime(port: string): Promise<number> {
  return Number(await (await fetch(`http://127.0.0.1:${port}/cpu-time`)).text());
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
