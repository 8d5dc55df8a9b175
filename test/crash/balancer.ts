import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** A server that may be listening. */
interface KillableServer {
  readonly port: number | undefined;
}

/** One address for several servers: connections go to the listening ones in turn. */
export class Balancer implements AsyncDisposable {
  readonly #server: Server;
  readonly #servers: readonly KillableServer[];
  readonly #sockets = new Set<Socket>();
  #turn = 0;

  private constructor(server: Server, servers: readonly KillableServer[]) {
    this.#server = server;
    this.#servers = servers;
  }

  static async before(servers: readonly KillableServer[]): Promise<Balancer> {
    const server = createServer();
    const balancer = new Balancer(server, servers);
    server.on("connection", (socket) => balancer.#forward(socket));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return balancer;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  /** Breaks all connections. New ones are accepted. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #forward(near: Socket): void {
    const ports = this.#servers.flatMap(({ port }) => (port === undefined ? [] : [port]));
    if (ports.length === 0) {
      near.destroy();
      return;
    }
    const far = connect(ports[this.#turn++ % ports.length], "127.0.0.1");
    near.pipe(far).pipe(near);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ]) {
      this.#sockets.add(one);
      one.setNoDelay();
      one.on("error", () => {});
      one.on("close", () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
  }
}
