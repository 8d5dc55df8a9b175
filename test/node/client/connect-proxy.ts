import { connect, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { onTestFinished } from "vitest";
import { listenOnLoopback } from "./loopback.ts";

export interface ConnectProxyOptions {
  /** Certificate and key of a proxy over TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** The bytes to answer with instead of opening a tunnel, or undefined for no answer. */
  readonly answer?: (head: string, socket: Socket) => string | undefined;
  /** The bytes to send together with the response that opens a tunnel. */
  readonly headOfAnswer?: string;
  readonly host?: string;
}

/** An HTTP proxy that supports only CONNECT. */
export class ConnectProxy {
  /** The heads of the requests it received. */
  readonly heads: string[] = [];
  readonly sockets = new Set<Socket>();
  readonly #options: ConnectProxyOptions;
  readonly #server: Server;
  #port = 0;

  constructor(options: ConnectProxyOptions = {}) {
    this.#options = options;
    const accept = (socket: Socket): void => this.#accept(socket);
    this.#server = options.tls ? createTlsServer(options.tls, accept) : createServer(accept);
  }

  static async start(options: ConnectProxyOptions = {}): Promise<ConnectProxy> {
    const proxy = new ConnectProxy(options);
    proxy.#port = await listenOnLoopback(proxy.#server, options.host);
    onTestFinished(() => {
      for (const socket of proxy.sockets) socket.destroy();
    });
    return proxy;
  }

  /** `host:port` of the proxy. */
  get authority(): string {
    const { host = "127.0.0.1", tls } = this.#options;
    if (tls !== undefined) return `localhost:${this.#port}`;
    return `${host.includes(":") ? `[${host}]` : host}:${this.#port}`;
  }

  get url(): string {
    return `${this.#options.tls ? "https" : "http"}://${this.authority}`;
  }

  #accept(socket: Socket): void {
    this.sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => this.sockets.delete(socket));
    let head = "";
    socket.on("data", (chunk: Buffer) => {
      head += chunk.toString("latin1");
      if (!head.endsWith("\r\n\r\n")) return;
      socket.removeAllListeners("data");
      this.heads.push(head);
      const { answer } = this.#options;
      if (answer === undefined) this.#tunnel(socket, head);
      else {
        const bytes = answer(head, socket);
        if (bytes !== undefined) socket.end(bytes, "latin1");
        socket.resume();
      }
    });
  }

  #tunnel(socket: Socket, head: string): void {
    const [, host, port] = /^CONNECT (\S+):(\d+) /.exec(head)!;
    const upstream = connect(Number(port), host.replace(/^\[|\]$/g, "").replace(/\.test$/, ""));
    this.sockets.add(upstream);
    upstream.on("error", () => socket.destroy());
    upstream.on("close", () => {
      this.sockets.delete(upstream);
      socket.destroy();
    });
    socket.on("close", () => upstream.destroy());
    upstream.on("connect", () => {
      socket.write(
        this.#options.headOfAnswer ?? "HTTP/1.1 200 Connection established\r\n\r\n",
        "latin1",
      );
      socket.pipe(upstream);
      upstream.pipe(socket);
    });
  }
}
