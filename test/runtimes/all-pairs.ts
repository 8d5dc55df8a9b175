import type { Runtime } from "../support/runtimes.ts";
import { type ClientKind, type Conversations, Pairs } from "./pairs.ts";

/** The conversations of one client with one server. */
export interface PairResult extends Conversations {
  readonly server: Runtime;
  readonly client: Runtime;
  readonly kind: ClientKind;
}

/** A runtime with the path of its program. */
export type Installed = readonly [name: Runtime, path: string];

/** Lets the clients of each runtime converse with the server of each, and then stops the server. */
export async function converseInAllPairs(runtimes: readonly Installed[]): Promise<PairResult[]> {
  const pairs = await Pairs.bundle();
  try {
    const results: PairResult[] = [];
    for (const server of runtimes)
      results.push(...(await conversationsWith(pairs, server, runtimes)));
    return results;
  } finally {
    await pairs[Symbol.asyncDispose]();
  }
}

async function conversationsWith(
  pairs: Pairs,
  [name, path]: Installed,
  clients: readonly Installed[],
): Promise<PairResult[]> {
  const server = await pairs.startServer(path);
  try {
    const results: PairResult[] = [];
    for (const [client, program] of clients) {
      for (const kind of kindsOf(client)) {
        results.push({
          server: name,
          client,
          kind,
          ...(await pairs.converse(program, server, kind)),
        });
      }
    }
    const status = await server.stop();
    if (status !== 0) throw new Error(`the server in ${name} ended with ${status} after its stop`);
    return results;
  } finally {
    await server[Symbol.asyncDispose]();
  }
}

/** Node.js 20 has no WebSocket. */
function kindsOf(client: Runtime): ClientKind[] {
  return client === "node20" ? ["tideway"] : ["tideway", "own"];
}
