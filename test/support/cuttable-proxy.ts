import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** A TCP proxy in front of a server that can fail as a network does. */
export class CuttableProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #stalled: "nothing" | "answers" | "all" = "nothing";
  #isHolding = false;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async to(targetPort: number): Promise<CuttableProxy> {
    const server = createServer();
    const proxy = new CuttableProxy(server);
    server.on("connection", (near) => proxy.#join(near, connect(targetPort, "127.0.0.1")));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  /** Breaks all connections. New ones are accepted. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /**
   * Stops delivery, or the responses only, without notice. Data sent during the stall is dropped.
   */
  stall(what: "answers" | "all" = "all"): void {
    this.#stalled = what;
  }

  /** Holds back all data until `release`. */
  hold(): void {
    this.#isHolding = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** Delivers the data that was held back. */
  release(): void {
    this.#isHolding = false;
    for (const socket of this.#sockets) socket.resume();
  }

  /** Ends a stall. Connections that lost data are broken. */
  resume(): void {
    this.#stalled = "nothing";
    this.cut();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #join(near: Socket, far: Socket): void {
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      this.#sockets.add(from);
      from.setNoDelay();
      from.on("data", (chunk) => {
        if (this.#stalled === "all" || (this.#stalled === "answers" && from === far)) return;
        if (to.write(chunk)) return;
        from.pause();
        to.once("drain", () => {
          if (!this.#isHolding) from.resume();
        });
      });
      if (this.#isHolding) from.pause();
      from.on("error", () => {});
      from.on("close", () => {
        this.#sockets.delete(from);
        // During a stall, the end does not arrive either.
        if (this.#stalled === "nothing") to.destroy();
      });
    }
  }
}
