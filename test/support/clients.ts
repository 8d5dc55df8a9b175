import { on, once } from "node:events";
import type { Server as HttpServer } from "node:http";
import type { Socket as NetSocket } from "node:net";
import type { Duplex } from "node:stream";
import { type ClientOptions, WebSocket } from "ws";
import { type Line, type Reach, tcpReach } from "../suite/transports.ts";

/**
 * Connects a client of another library, by a URL over TCP, or to a server over its transport.
 * Rejects with the status if the server refuses.
 */
export async function openClient(
  server: string | Reach,
  path = "/",
  protocols: string[] = [],
  options: ClientOptions = {},
): Promise<WebSocket> {
  const [url, over] =
    typeof server === "string"
      ? [server, {}]
      : [server.url, { createConnection: () => server.connect().socket as NetSocket }];
  const client = new WebSocket(url + path, protocols, {
    perMessageDeflate: false,
    ...over,
    ...options,
  });
  inboxes.set(client, on(client, "message"));
  return await new Promise((resolve, reject) => {
    client.on("open", () => resolve(client));
    client.on("error", reject);
    client.on("unexpected-response", (_request, response) => {
      response.resume();
      reject(new Error(`refused with ${response.statusCode}`));
    });
  });
}

/** From the start, because the first message may arrive together with the handshake response. */
const inboxes = new WeakMap<WebSocket, AsyncIterator<unknown[]>>();

/** The next message, with text as a string. */
export async function nextMessage(client: WebSocket): Promise<string | Buffer> {
  const inbox = inboxes.get(client);
  if (inbox === undefined) throw new Error("the client was not made by openClient");
  const [data, isBinary] = (await inbox.next()).value as [Buffer, boolean];
  return isBinary ? data : data.toString();
}

/** The close code and reason of the connection. */
export async function closeOf(client: WebSocket): Promise<{ code: number; reason: string }> {
  const [code, reason] = (await once(client, "close")) as [number, Buffer];
  return { code, reason: reason.toString() };
}

/** A connection for arbitrary bytes, to a port or to a server over its transport. */
export class RawClient {
  readonly socket: Duplex;
  readonly #line: Line;
  readonly #chunks: string[] = [];
  #whenSent: Promise<void> = Promise.resolve();

  constructor(server: number | Pick<Reach, "connect">) {
    // It never closes its side: the tests check that the server closes.
    this.#line = typeof server === "number" ? tcpReach(server).connect() : server.connect();
    this.socket = this.#line.socket;
    this.socket.setEncoding("latin1");
    this.socket.on("data", (text: string) => {
      this.#chunks.push(text);
    });
    this.socket.on("error", () => {});
  }

  send(text: string): this {
    this.#whenSent = new Promise((resolve) => {
      this.socket.write(text, "latin1", () => resolve());
    });
    return this;
  }

  /** Resolves when all data passed to `send` has left. */
  get whenSent(): Promise<void> {
    return this.#whenSent;
  }

  /** Breaks the connection, so that the server sees ECONNRESET. */
  reset(): void {
    this.#line.reset();
  }

  /**
   * Waits until `text` has been received. Searches each byte once: some tests receive megabytes.
   */
  async receives(text: string): Promise<string> {
    let end = "";
    let count = 0;
    for (;;) {
      const unsearched = end + this.#chunks.slice(count).join("");
      count = this.#chunks.length;
      if (unsearched.includes(text)) return this.#chunks.join("");
      // `text` may begin in one chunk and end in the next.
      end = text.length > 1 ? unsearched.slice(1 - text.length) : "";
      await once(this.socket, "data");
    }
  }

  /** Waits for the server to close. Returns everything that it sent. */
  async closed(): Promise<string> {
    if (!this.socket.readableEnded && !this.socket.destroyed) {
      // Not with `once` of node:events, which would reject on a reset: a reset also closes.
      await new Promise<void>((resolve) => {
        this.socket.once("end", () => resolve()).once("close", () => resolve());
      });
    }
    this.socket.destroy();
    return this.#chunks.join("");
  }
}

/** The head of a request for a WebSocket. An undefined field is omitted. */
export function handshake(
  path: string,
  fields: Record<string, string | string[] | undefined> = {},
  requestLine = `GET ${path} HTTP/1.1`,
): string {
  const all: typeof fields = {
    Host: "localhost",
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    ...fields,
  };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((one) => `${name}: ${one}`),
  );
  return [requestLine, ...lines, "", ""].join("\r\n");
}

/** The number of accepted connections of a server that have not ended. */
export async function connectionCount(httpServer: HttpServer): Promise<number> {
  return await new Promise((resolve, reject) => {
    httpServer.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });
}

/** The status of a response. */
export function statusOf(response: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(response)?.[1]);
}
