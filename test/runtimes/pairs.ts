import { basename } from "node:path";
import { BundledProgram, type RunningProgram } from "../support/bundled-program.ts";
import { launcherArguments } from "../support/runtimes.ts";

/** The WebSocket of this package, or of the runtime. */
export type ClientKind = "tideway" | "own";

/** The output of `client-program.ts`. */
export interface Conversations {
  readonly conversations: readonly string[];
  /** The errors of failed conversations. */
  readonly failed: Readonly<Record<string, string>>;
  /** Whether client and server have agreed on permessage-deflate. */
  readonly isCompressed: boolean;
}

/** A server in a runtime. */
export interface ServerInRuntime extends AsyncDisposable {
  readonly ports: readonly string[];
  /** Stops the server. Resolves with the exit code when its process has ended. */
  stop(): Promise<number | null>;
}

/** The programs of a client and a server, for any runtime. */
export class Pairs implements AsyncDisposable {
  readonly #server: BundledProgram;
  readonly #client: BundledProgram;

  private constructor(server: BundledProgram, client: BundledProgram) {
    this.#server = server;
    this.#client = client;
  }

  static async bundle(): Promise<Pairs> {
    const programs = ["server", "client"].map((name) =>
      BundledProgram.bundle(`test/runtimes/${name}-program.ts`),
    );
    const [server, client] = await Promise.all(programs);
    return new Pairs(server, client);
  }

  /** @param runtime the path of its program */
  async startServer(runtime: string): Promise<ServerInRuntime> {
    const running = this.#server.startIn(runtime, {});
    const { port, tlsPort } = (await firstLine(running)) as { port: number; tlsPort: number };
    return {
      ports: [`${port}`, `${tlsPort}`],
      async stop() {
        await fetch(`http://127.0.0.1:${port}/stop`);
        return await running.exited;
      },
      [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
    };
  }

  /** Runs a client in a runtime, which has all conversations with a server. */
  async converse(
    runtime: string,
    { ports }: ServerInRuntime,
    kind: ClientKind,
  ): Promise<Conversations> {
    const ca = "test/support/certificates/localhost.crt";
    // Deno accepts no certificate that is its own issuer.
    const trust = basename(runtime) === "deno" ? ["--unsafely-ignore-certificate-errors"] : [];
    const flags = [...launcherArguments(runtime), ...trust];
    const env = { NODE_EXTRA_CA_CERTS: ca };
    const running = this.#client.startWith(runtime, flags, env, ...ports, kind);
    try {
      return (await firstLine(running)) as Conversations;
    } finally {
      await running[Symbol.asyncDispose]();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#server[Symbol.asyncDispose](), this.#client[Symbol.asyncDispose]()]);
  }
}

/** The first line of output, as JSON. */
async function firstLine(running: RunningProgram): Promise<unknown> {
  const line = await running.firstLine;
  if (line === undefined) throw new Error(`the program ended: ${running.stderr}`);
  return JSON.parse(line);
}
