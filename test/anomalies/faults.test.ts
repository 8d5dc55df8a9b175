/** An end, a reset and a stall at every byte of a handshake and of a frame. */
import { once } from "node:events";
import type { Duplex } from "node:stream";
import type { WebSocket as Client } from "tideway";
import type { CloseInfo } from "tideway/server";
import { afterEach, describe, expect, it, vi } from "vitest";
import { acceptance, reset, serveBytes, WebSocket } from "../support/servers.ts";
import { handshake, RawClient } from "../support/clients.ts";
import { startServer } from "../suite/start.ts";
import { type Running, transport } from "../suite/transports.ts";

type Fault = "end" | "reset" | "stall";
const FAULTS: readonly Fault[] = ["end", "reset", "stall"];

const MASKED_HELLO = Buffer.from("818537fa213d7f9f4d5158", "hex").toString("latin1");
const HELLO = Buffer.from("810548656c6c6f", "hex").toString("latin1");

function commit(fault: Fault, socket: Duplex, onReset: () => void): void {
  if (fault === "end") socket.end();
  if (fault === "reset") onReset();
}

/** Every position before the end of `text`. */
function cutsOf(text: string): string[] {
  return Array.from({ length: text.length }, (_, length) => text.slice(0, length));
}

describe.each(FAULTS)("a client's %s", (fault) => {
  const onError = vi.fn<(error: unknown) => void>();
  let server: Running;

  afterEach(async () => {
    await server.stop();
    expect(onError).not.toHaveBeenCalled();
  });

  // In memory, the HTTP server has the defaults of Node, which allow a minute for a head.
  const hasDeadline = transport.hasPorts || fault !== "stall";
  it.runIf(hasDeadline)(
    "at any byte of its handshake opens no socket and ends the connection",
    async () => {
      const onSocket = vi.fn<() => void>();
      server = await startServer({
        handshakeTimeoutMs: 200,
        onError,
        routes: { "ws:/": onSocket },
      });
      const clients = cutsOf(handshake("/")).map((part) => new RawClient(server).send(part));
      await Promise.all(clients.map(async ({ socket }) => await once(socket, "connect")));
      for (const client of clients) commit(fault, client.socket, () => client.reset());
      await Promise.all(clients.map(async (client) => await client.closed()));
      expect(onSocket).not.toHaveBeenCalled();
    },
  );

  it("at any byte of a frame ends its socket once, with 1006 and without a message", async () => {
    const messages: unknown[] = [];
    const parts = cutsOf(MASKED_HELLO);
    const ended: CloseInfo[] = [];
    let onAll: () => void;
    const all = new Promise<void>((resolve) => (onAll = resolve));
    server = await startServer({
      // Only a stalled peer needs a heartbeat to end it.
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
      const client = new RawClient(server).send(handshake("/"));
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
  /** A server that cuts its output to the n-th client after n bytes. */
  async function listen(say: (request: string, index: number) => string): Promise<string> {
    let count = 0;
    return await serveBytes((socket, request) => {
      const words = say(request, count++);
      // Data has arrived one turn after it was sent. An earlier reset discards it on a link in
      // memory.
      const cut = (): void => commit(fault, socket, () => reset(socket));
      socket.write(words, "latin1", () => setImmediate(cut));
    });
  }

  /** The types of the events of a WebSocket, in order, after it has closed. */
  async function eventsOf(socket: Client): Promise<string[]> {
    const events: string[] = [];
    for (const type of ["open", "message", "error"]) {
      socket.addEventListener(type, () => events.push(type));
    }
    const { code } = await socket.onClose.first;
    return [...events, `close ${code}`];
  }

  it("at any byte of its response fails the handshake once", async () => {
    const { length } = acceptance("sec-websocket-key: x\r");
    const url = await listen((request, index) => acceptance(request).slice(0, index));
    const outcomes = await Promise.all(
      Array.from(
        { length },
        async () => await eventsOf(new WebSocket(url, { handshakeTimeoutMs: 300 })),
      ),
    );
    expect(outcomes).toEqual(outcomes.map(() => ["error", "close 1006"]));
  });

  // A client has no heartbeat by default: it waits for a server that stalls within a frame.
  if (fault === "stall") return;

  it("at any byte of a frame ends the connection once", async () => {
    const url = await listen((request, index) => acceptance(request) + HELLO.slice(0, index));
    const outcomes = await Promise.all(
      Array.from(HELLO, async () => await eventsOf(new WebSocket(url))),
    );
    expect(outcomes).toEqual(outcomes.map(() => ["open", "error", "close 1006"]));
  });
});
