import { once } from "node:events";
import { connect } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { type CloseInfo, serve, type Socket } from "tideway/server";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { transport } from "../suite/transports.ts";
import { handshake, RawClient } from "../support/clients.ts";
import { SERVER_KINDS } from "../support/server-kinds.ts";
import { TLS } from "../support/certificate.ts";

const onError = vi.fn<(error: unknown) => void>();
beforeEach(() => onError.mockReset());

/** A masked frame with a masking key of zeros. */
function frame(first: number, payload: string): string {
  return `${String.fromCharCode(first, 0x80 | payload.length)}\0\0\0\0${payload}`;
}

const ping = (payload: string): string => frame(0x89, payload);

/** A client with an open WebSocket that has stopped reading. */
async function deafClient(server: ConstructorParameters<typeof RawClient>[0]): Promise<RawClient> {
  const client = new RawClient(server).send(handshake("/"));
  await client.receives("\r\n\r\n");
  client.socket.pause();
  return client;
}

/** Sends until the transport accepts nothing more and enough is buffered to hold back pongs. */
async function fill(socket: Socket): Promise<void> {
  while (socket.bufferedAmount <= 65_536) {
    socket.send(Buffer.alloc(65_536));
    // A kernel accepts it at once, a link in memory in the following turns.
    for (let turn = 0; turn < 10; turn++) await nextTurn();
  }
}

describe.each(SERVER_KINDS)("a peer that does not read, over $name,", ({ start }) => {
  let socket: Socket | undefined;
  const opened = (): Promise<Socket> => vi.waitUntil(() => socket, 10_000);
  const routes = { "ws:/": (one: Socket) => void (socket = one) };
  beforeEach(() => (socket = undefined));

  it("is closed when more than maxBufferedBytes are buffered, and then dropped", async () => {
    await using server = await start(routes, { closeTimeoutMs: 100, onError });
    const client = await deafClient(server);
    const one = await opened();
    let most = 0;
    let end: CloseInfo | undefined;
    void one.done.then((info) => (end = info));
    // A handler that ignores the result of send().
    while (end === undefined) {
      one.send(Buffer.alloc(65_536));
      most = Math.max(most, one.bufferedAmount);
      await nextTurn();
    }
    expect(end).toMatchObject({ code: 1006, wasClean: false, error: { code: "CLOSE_TIMEOUT" } });
    // One message above the default of 1 MiB, and the headers of the frames.
    expect(most).toBeLessThan(1_048_576 + 2 * 65_536);
    expect(server.sockets.size).toBe(0);
    client.socket.destroy();
  });

  it("receives only the latest pong for any number of pings (RFC 6455 5.5.3)", async () => {
    await using server = await start(routes, { onError });
    const client = await deafClient(server);
    const one = await opened();
    // After this point, pongs cannot leave.
    await fill(one);
    const waiting = one.bufferedAmount;
    for (let i = 0; i < 200_000; i++) client.socket.write(ping(`n${i};`), "latin1");
    const afterPings = new Promise((resolve) => one.listen(resolve));
    client.send(ping("last;") + frame(0x81, "message"));
    expect(await afterPings).toBe("message");
    expect(one.bufferedAmount).toBe(waiting);
    client.socket.resume();
    const received = await client.receives("last;");
    // The kernel's buffers may hold pongs that were sent before they filled up.
    expect(received.split(";").length).toBeLessThan(20);
    expect(received).toContain("\x8a\x05last;");
    client.socket.destroy();
  });

  it("is dropped by the heartbeat even if it sends data", async () => {
    const heartbeat = { idleMs: 100, timeoutMs: 100 };
    await using server = await start(routes, { heartbeat, slowConsumer: "wait", onError });
    const client = await deafClient(server);
    const one = await opened();
    let end: CloseInfo | undefined;
    void one.done.then((info) => (end = info));
    await fill(one);
    await vi.waitUntil(() => client.send(ping("here I am")) && end, {
      interval: 10,
      timeout: 10_000,
    });
    expect(end).toMatchObject({ code: 1006, error: { code: "HEARTBEAT_TIMEOUT" } });
    client.socket.destroy();
  });

  it("is dropped after closeTimeoutMs when the closing handshake does not end", async () => {
    await using server = await start(routes, { closeTimeoutMs: 100, onError });
    const client = await deafClient(server);
    const one = await opened();
    one.close(4000, "bye");
    expect(await one.done).toMatchObject({ code: 1006, error: { code: "CLOSE_TIMEOUT" } });
    expect(server.sockets.size).toBe(0);
    client.socket.destroy();
  });

  it("is dropped after closeTimeoutMs when it sends data after its Close frame", async () => {
    await using server = await start(routes, { closeTimeoutMs: 100, onError });
    const client = new RawClient(server).send(handshake("/") + frame(0x88, "\x03\xe8"));
    await client.receives("\x88\x02\x03\xe8");
    const one = await opened();
    let isOver = false;
    void one.done.then(() => (isOver = true));
    await vi.waitUntil(() => {
      client.send(ping("more"));
      return isOver;
    }, 10_000);
    expect(await one.done).toMatchObject({ code: 1000, wasClean: true });
    expect(server.sockets.size).toBe(0);
    client.socket.destroy();
  });
});

// With `serve`, over TCP and TLS, so only in the run over a transport with ports.
describe.runIf(transport.hasPorts).each([
  ["TCP", undefined],
  ["TLS", TLS],
])("over %s", (_name, tls) => {
  it("a peer that reads gets a pong for every ping, in order", async () => {
    await using server = await serve({
      port: 0,
      ...(tls !== undefined && { tls }),
      routes: { "ws:/": () => {} },
    });
    const { port } = server;
    const socket =
      tls === undefined ? connect(port) : connectTls({ port, rejectUnauthorized: false });
    let received = "";
    socket.setEncoding("latin1").on("data", (text: string) => (received += text));
    socket.write(handshake("/"));
    const count = 4000;
    // TLS sockets of Deno ignore the encoding of a text.
    for (let i = 0; i < count; i++) socket.write(Buffer.from(ping(`<${i}>`), "latin1"));
    while (!received.includes(`<${count - 1}>`)) await once(socket, "data");
    const pongs = [...received.matchAll(/\x8a[^]<(\d+)>/g)].map(([, number]) => Number(number));
    expect(pongs).toEqual(Array.from({ length: count }, (_, index) => index));
    socket.destroy();
  });
});
