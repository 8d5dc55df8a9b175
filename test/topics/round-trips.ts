import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/**
 * Counts the round trips of requests to an engine. Requests that are pending at the same time share a round
 * trip: their answers are held back until all of them have arrived, and are then delivered together.
 */
export class RoundTrips {
  count = 0;
  #pending = 0;
  #held: (() => void)[] = [];

  /**
   * Wraps an object: a call of a method in `names` takes part in a round trip. `overrides` has members
   * that replace members of the object.
   */
  wrap<T extends object>(target: T, names: readonly (keyof T)[], overrides: object = {}): T {
    return new Proxy(target, {
      get: (_, name) => {
        if (name in overrides) return Reflect.get(overrides, name) as unknown;
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        const method = value.bind(target) as (...args: unknown[]) => Promise<unknown>;
        if (!names.includes(name as keyof T)) return method;
        return (...args: unknown[]) => this.#run(() => method(...args));
      },
    });
  }

  async #run<T>(request: () => Promise<T>): Promise<T> {
    this.#pending++;
    try {
      return await request();
    } finally {
      this.#pending--;
      const delivered = new Promise<void>((resolve) => this.#held.push(resolve));
      setImmediate(() => this.#deliver());
      await delivered;
    }
  }

  #deliver(): void {
    if (this.#pending > 0 || this.#held.length === 0) return;
    this.count++;
    for (const deliver of this.#held.splice(0)) deliver();
  }
}

/** A TCP proxy that counts the reads with which the requests of a client arrive. */
export class CountingProxy implements AsyncDisposable {
  reads = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async to(targetPort: number): Promise<CountingProxy> {
    const server = createServer();
    const proxy = new CountingProxy(server);
    server.on("connection", (near) => proxy.#join(near, connect(targetPort, "127.0.0.1")));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #join(near: Socket, far: Socket): void {
    near.on("data", () => this.reads++);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      this.#sockets.add(from);
      from.pipe(to);
      from.on("error", () => to.destroy());
    }
  }
}
