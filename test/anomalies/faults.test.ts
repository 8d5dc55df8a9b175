/** An end, a reset and a stall at every byte of a handshake and of a frame, over real sockets. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server as NetServer } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocket } from "tideway";
import { type CloseInfo, type Server, serve } from "tideway/server";
import { afterEach, describe, expect, it, vi } from "vitest";
import { handshake, RawClient } from "../server/clients.ts";

type Fault = "end" | "reset" | "stall";
const FAULTS: readonly Fault[] = ["end", "reset", "stall"];

const MASKED_HELLO = Buffer.from("818537fa213d7f9f4d5158", "hex").toString("latin1");
const HELLO = Buffer.from("810548656c6c6f", "hex").toString("latin1");

function commit(fault: Fault, socket: Duplex, reset: () => void): void {
  if (fault === "end") socket.end();
  if (fault === "reset") reset();
}

/** Every place before the end of `text` at which it can be cut. */
function cutsOf(text: string): string[] {
  return Array.from({ length: text.length }, (_, length) => text.slice(0, length));
}

describe.each(FAULTS)("a client's %s", (fault) => {
  const onError = vi.fn<(error: unknown) => void>();
  let server: Server;

  afterEach(async () => {
    await server.stop();
    expect(onError).not.toHaveBeenCalled();
  });

  it("at any byte of its handshake opens no socket, and ends its connection", async () => {
    const onSocket = vi.fn<() => void>();
    server = await serve({
      port: 0,
      host: "127.0.0.1",
      handshakeTimeoutMs: 200,
      onError,
      routes: { "ws:/": onSocket },
    });
    const clients = cutsOf(handshake("/")).map((part) => new RawClient(server.port).send(part));
    await Promise.all(clients.map(async ({ socket }) => await once(socket, "connect")));
    for (const client of clients) commit(fault, client.socket, () => client.reset());
    await Promise.all(clients.map(async (client) => await client.closed()));
    expect(onSocket).not.toHaveBeenCalled();
  });

  it("at any byte of a frame ends its socket once, with 1006 and without a message", async () => {
    const messages: unknown[] = [];
    const parts = cutsOf(MASKED_HELLO);
    const ended: CloseInfo[] = [];
    let onAll: () => void;
    const all = new Promise<void>((resolve) => (onAll = resolve));
    server = await serve({
      port: 0,
      host: "127.0.0.1",
      // Only a stalled peer is to be ended by this.
      heartbeat: fault === "stall" ? { idleMs: 100, timeoutMs: 100 } : false,
      onError,
      routes: {
        "ws:/": (socket) => {
          socket.listen((message) => messages.push(message));
          void socket.done.then((info) => {
            if (ended.push(info) === parts.length) onAll();
          });
        },
      },
    });
    for (const part of parts) {
      const client = new RawClient(server.port).send(handshake("/"));
      await client.receives("\r\n\r\n");
      client.send(part);
      commit(fault, client.socket, () => client.reset());
    }
    await all;
    expect(messages).toEqual([]);
    expect(ended.map(({ code, wasClean }) => [code, wasClean])).toEqual(
      parts.map(() => [1006, false]),
    );
    expect(server.sockets.size).toBe(0);
  });
});

describe.each(FAULTS)("a server's %s", (fault) => {
  let peer: NetServer;

  afterEach(async () => {
    peer.close();
    await once(peer, "close");
  });

  /** A server that cuts what it says to its n-th client after n bytes. */
  async function listen(say: (request: string, index: number) => string): Promise<string> {
    let count = 0;
    peer = createServer({ allowHalfOpen: true }, (socket) => {
      const index = count++;
      socket.on("error", () => {});
      socket.on("end", () => socket.end());
      socket.once("data", (request: Buffer) => {
        const words = say(request.toString("latin1"), index);
        socket.write(words, "latin1", () => commit(fault, socket, () => socket.resetAndDestroy()));
      });
    }).listen(0, "127.0.0.1");
    await once(peer, "listening");
    return `ws://127.0.0.1:${(peer.address() as AddressInfo).port}/`;
  }

  /** The types of the events of a WebSocket, in order, once it has closed. */
  async function eventsOf(socket: WebSocket): Promise<string[]> {
    const events: string[] = [];
    for (const type of ["open", "message", "error"]) {
      socket.addEventListener(type, () => events.push(type));
    }
    const { code } = await socket.onClose.first;
    return [...events, `close ${code}`];
  }

  it("at any byte of its answer fails the handshake, once", async () => {
    const { length } = answerTo("sec-websocket-key: x");
    const url = await listen((request, index) => answerTo(request).slice(0, index));
    const outcomes = await Promise.all(
      Array.from(
        { length },
        async () => await eventsOf(new WebSocket(url, { handshakeTimeoutMs: 300 })),
      ),
    );
    expect(outcomes).toEqual(outcomes.map(() => ["error", "close 1006"]));
  });

  // A client has no heartbeat of its own: it waits for a server that stalls within a frame.
  if (fault === "stall") return;

  it("at any byte of a frame ends the connection, once", async () => {
    const url = await listen((request, index) => answerTo(request) + HELLO.slice(0, index));
    const outcomes = await Promise.all(
      Array.from(HELLO, async () => await eventsOf(new WebSocket(url))),
    );
    expect(outcomes).toEqual(outcomes.map(() => ["open", "error", "close 1006"]));
  });
});

function answerTo(request: string): string {
  const key = /sec-websocket-key: *(\S+)/i.exec(request)?.[1] ?? "";
  const accept = createHash("sha1")
    .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest("base64");
  return [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${accept}`,
    "",
    "",
  ].join("\r\n");
}
