import type { LoadResult } from "./load/protocol.ts";
import { type LoadClient, type RunningServer, startServer } from "./processes.ts";
import { type Spread, spreadOf } from "./statistics.ts";
import type { Workload } from "./workloads.ts";

const ROUNDS = 7;
const WARM_UP_MS = 150;
const MEASURED_MS = 500;
/** Long enough for the server's code to be compiled for this load. */
const FIRST_WARM_UP_MS = 1500;

/** How one server did, over all rounds. */
export interface Comparison {
  readonly server: string;
  /** Messages per second of the server's processor time, as a ratio to the first server's. */
  readonly ratio: Spread;
  readonly microsecondsPerMessage: number;
  readonly messagesPerSecond: number;
  /** The share of a core that each side used. */
  readonly serverBusy: number;
  readonly clientBusy: number;
}

/**
 * Runs the servers of a workload in turn, round by round, so that whatever else the machine does
 * hits all alike; only what was measured within one round is compared.
 */
export async function compare(
  workload: Workload,
  client: LoadClient,
  onProgress: (text: string) => void,
): Promise<readonly Comparison[]> {
  const servers: RunningServer[] = [];
  try {
    for (const program of workload.servers) servers.push(await startServer(program));
    const load = (server: RunningServer, warmUpMs: number): Promise<LoadResult> =>
      client.run({
        workload,
        framed: server.program.framed,
        port: server.port,
        serverPid: server.pid,
        warmUpMs,
        measuredMs: MEASURED_MS,
      });

    for (const server of servers) {
      onProgress(`warming up ${server.program.name}`);
      await load(server, FIRST_WARM_UP_MS);
    }
    const results = new Map(servers.map((server) => [server, [] as LoadResult[]]));
    for (let round = 1; round <= ROUNDS; round++) {
      const inTurn = round % 2 === 1 ? servers : servers.toReversed();
      for (const server of inTurn) {
        onProgress(`round ${round} of ${ROUNDS}, ${server.program.name}`);
        results.get(server)?.push(await load(server, WARM_UP_MS));
      }
    }
    return summarise(results);
  } finally {
    for (const server of servers) server.stop();
  }
}

function summarise(results: ReadonlyMap<RunningServer, readonly LoadResult[]>): Comparison[] {
  const [baseline] = results.values();
  return Array.from(results, ([server, rounds]) => {
    const median = (value: (round: LoadResult) => number): number =>
      spreadOf(rounds.map(value)).median;
    return {
      server: server.program.name,
      ratio: spreadOf(rounds.map((result, at) => efficiency(result) / efficiency(baseline[at]))),
      microsecondsPerMessage: median((round) => 1e6 / efficiency(round)),
      messagesPerSecond: median((round) => round.messages / round.wallSeconds),
      serverBusy: median((round) => round.serverCpuSeconds / round.wallSeconds),
      clientBusy: median((round) => round.clientCpuSeconds / round.wallSeconds),
    };
  });
}

/** Messages per second of the server's processor time. */
function efficiency({ messages, serverCpuSeconds }: LoadResult): number {
  return messages / serverCpuSeconds;
}
