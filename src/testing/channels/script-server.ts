import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type Attachment, attach, type Socket } from "tideway/server";
import { MemoryNetwork } from "../memory-network.ts";
import { ScriptConnection, within } from "./script-connection.ts";

const SUBPROTOCOL = "tideway.channels.1";

/** The server of a script for a client: it leaves each connection to the script. */
export class ScriptServer {
  readonly url: string;
  readonly network: MemoryNetwork | undefined;
  readonly #httpServer: Server;
  readonly #attachment: Attachment;
  readonly #timeoutMs: number;
  /** Connections that no step has accepted. */
  readonly #arrived: ScriptConnection[] = [];
  #wake: (() => void) | undefined;

  private constructor(
    httpServer: Server,
    url: string,
    network: MemoryNetwork | undefined,
    timeoutMs: number,
  ) {
    this.#httpServer = httpServer;
    this.url = url;
    this.network = network;
    this.#timeoutMs = timeoutMs;
    const route = {
      protocols: [SUBPROTOCOL],
      origins: "*" as const,
      handle: (socket: Socket) => this.#add(socket),
    };
    this.#attachment = attach(httpServer, {
      routes: { "ws:/channels": route },
      onRefused: () => {},
    });
  }

  /** Starts a server: on a free port of 127.0.0.1, or in memory. */
  static async start(isInMemory: boolean, timeoutMs: number): Promise<ScriptServer> {
    const httpServer = createServer();
    if (isInMemory) {
      const network = new MemoryNetwork();
      network.listen(httpServer);
      return new ScriptServer(httpServer, "ws://test/channels", network, timeoutMs);
    }
    await once(httpServer.listen(0, "127.0.0.1"), "listening");
    const { port } = httpServer.address() as AddressInfo;
    return new ScriptServer(httpServer, `ws://127.0.0.1:${port}/channels`, undefined, timeoutMs);
  }

  /** Waits for the next connection. @throws Error if there is none in time */
  async accept(): Promise<ScriptConnection> {
    while (this.#arrived.length === 0) {
      const arrival = new Promise<void>((resolve) => (this.#wake = resolve));
      await within(arrival, this.#timeoutMs, "a connection");
    }
    return this.#arrived.shift()!;
  }

  async stop(): Promise<void> {
    for (const connection of this.#arrived) connection.drop();
    await this.#attachment.stop({ timeoutMs: 1 });
    this.#httpServer.close();
    this.#httpServer.closeAllConnections();
  }

  #add(socket: Socket): void {
    const connection = new ScriptConnection(
      {
        send: (message) => void socket.send(message),
        close: (code) => socket.close(code),
        drop: () => socket.terminate(),
      },
      this.#timeoutMs,
    );
    socket.listen((message) => connection.receive(message));
    void socket.done.then(({ code, reason }) => connection.end(code, reason));
    this.#arrived.push(connection);
    this.#wake?.();
  }
}
