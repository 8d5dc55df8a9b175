/** The kinds of vulnerabilities that the package ws has had, tried against the classes with its interface. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { deflateRawSync } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import type { ServerOptions } from "../../src/ws/server-options.ts";
import { WebSocketServer } from "../../src/ws/web-socket-server.ts";
import type { WebSocket } from "../../src/ws/web-socket.ts";
import { handshake, RawClient, statusOf } from "../support/clients.ts";

const MASK = "\0\0\0\0";

interface Served {
  readonly server: WebSocketServer;
  readonly port: number;
}

/** A server, with an HTTP server that has the given limits. */
async function serve(options: ServerOptions = {}, maxHeaderSize = 16_384): Promise<Served> {
  const httpServer = createServer({ maxHeaderSize }).listen(0, "127.0.0.1");
  await once(httpServer, "listening");
  const server = new WebSocketServer({ server: httpServer, ...options });
  onTestFinished(() => {
    for (const client of server.clients) client.terminate();
    server.close();
    httpServer.close();
    httpServer.closeAllConnections();
  });
  return { server, port: (httpServer.address() as AddressInfo).port };
}

/** The status of a handshake with these fields. The server must remain able to accept others. */
async function statusWith(
  { port }: Served,
  fields: Record<string, string | string[] | undefined>,
): Promise<number> {
  const client = new RawClient(port).send(handshake("/", fields));
  const response = await client.receives("\r\n\r\n");
  client.socket.destroy();
  const other = new RawClient(port).send(handshake("/"));
  expect(statusOf(await other.receives("\r\n\r\n"))).toBe(101);
  other.socket.destroy();
  return statusOf(response);
}

/** Opens a WebSocket of the server and sends it bytes. */
async function connect({ server, port }: Served, fields = {}): Promise<[WebSocket, RawClient]> {
  const raw = new RawClient(port).send(handshake("/", fields));
  onTestFinished(() => void raw.socket.destroy());
  const [client] = (await once(server, "connection")) as [WebSocket];
  return [client, raw];
}

/** A frame of a client, with a masking key of zeros and a payload of at most 65,535 bytes. */
function frame(firstByte: number, payload: string): string {
  const { length } = payload;
  const size =
    length < 126
      ? String.fromCharCode(0x80 | length)
      : String.fromCharCode(0xfe, length >> 8, length & 0xff);
  return String.fromCharCode(firstByte) + size + MASK + payload;
}

/** The code of the error, and the close code that the client gets. */
async function failureOf(client: WebSocket, raw: RawClient): Promise<[string, number]> {
  const error = new Promise<NodeJS.ErrnoException>((resolve) => client.on("error", resolve));
  const output = raw.closed();
  const { code = "" } = await error;
  const close = (await output).slice(-2);
  return [code, close.charCodeAt(0) * 256 + close.charCodeAt(1)];
}

describe("a handshake", () => {
  it("may have more headers than the HTTP server reads, so that Upgrade is lost (CVE-2024-37890)", async () => {
    const httpServer = createServer().listen(0, "127.0.0.1");
    httpServer.maxHeadersCount = 1;
    await once(httpServer, "listening");
    const server = new WebSocketServer({ server: httpServer });
    const { port } = httpServer.address() as AddressInfo;
    const client = new RawClient(port).send(handshake("/"));
    // Newer releases of Node.js refuse the request themselves.
    expect([400, 431]).toContain(statusOf(await client.closed()));
    server.close();
    httpServer.close();
  });

  it.each(["Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"])(
    "with a megabyte of spaces in %s is read in linear time (CVE-2021-32640)",
    async (name) => {
      const served = await serve({ perMessageDeflate: true }, 4_000_000);
      const fields = { [name]: `a${" ".repeat(1_000_000)}b` };
      expect(await statusWith(served, fields)).toBe(400);
    },
  );

  it.each([
    ["constructor", 101],
    ["__proto__; toString", 101],
    ["permessage-deflate; constructor", 400],
    ["permessage-deflate; __proto__=1", 400],
    [",;constructor", 400],
  ])(
    "may name properties of objects as extensions: %s (GHSA-5v72-xg48-5rpm)",
    async (value, status) => {
      const served = await serve({ perMessageDeflate: true });
      expect(await statusWith(served, { "Sec-WebSocket-Extensions": value })).toBe(status);
    },
  );

  it("may have a subprotocol that names a property of objects", async () => {
    const served = await serve();
    expect(await statusWith(served, { "Sec-WebSocket-Protocol": "__proto__" })).toBe(101);
  });
});

describe("memory", () => {
  it("is not sent uninitialized in a ping with a number (CVE-2016-10518)", async () => {
    const [client, raw] = await connect(await serve());
    client.ping(100);
    expect(await raw.receives("\x89\x03100")).toContain("\x89\x03100");
  });

  it("is not sent uninitialized in the reason of a close (CVE-2026-45736)", async () => {
    const [client, raw] = await connect(await serve());
    const close = (): void => client.close(1000, new Float32Array(20) as unknown as Buffer);
    expect(close).toThrow(TypeError);
    client.close(1000, Buffer.from("bye"));
    expect(await raw.receives("bye")).toContain("\x88\x05\x03\xe8bye");
  });

  it("is limited by default for one message (CVE-2016-10542)", async () => {
    const [client, raw] = await connect(await serve());
    const failure = failureOf(client, raw);
    // The header of a frame with 100 MiB and one byte. The payload is not sent.
    raw.send(`\x82\xff\0\0\0\0\x06\x40\0\x01${MASK}`);
    expect(await failure).toEqual(["WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", 1009]);
  });

  it("is limited for a message that decompresses to more", async () => {
    const served = await serve({ perMessageDeflate: true, maxPayload: 1_000_000 });
    const offer = { "Sec-WebSocket-Extensions": "permessage-deflate" };
    const [client, raw] = await connect(served, offer);
    const failure = failureOf(client, raw);
    const bomb = deflateRawSync(Buffer.alloc(50_000_000)).toString("latin1");
    raw.send(frame(0xc2, bomb));
    expect(await failure).toEqual(["WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", 1009]);
  });

  it("is limited for fragments of one byte (CVE-2026-48779)", async () => {
    const [client, raw] = await connect(await serve());
    client.binaryType = "fragments";
    const failure = failureOf(client, raw);
    raw.send(frame(0x02, "a") + frame(0x00, "a").repeat(16_384));
    expect(await failure).toEqual(["WS_ERR_TOO_MANY_BUFFERED_PARTS", 1008]);
  });

  it("is limited for pongs to a peer that sends pings and reads nothing", async () => {
    const [client, raw] = await connect(await serve());
    raw.socket.pause();
    const pings = frame(0x89, "a".repeat(125)).repeat(1000);
    let received = 0;
    const buffered: number[] = [];
    const all = new Promise<void>((resolve) => {
      client.on("ping", () => {
        if (++received % 100_000 === 0) buffered.push(client.bufferedAmount);
        if (received === 200_000) resolve();
      });
    });
    for (let i = 0; i < 200; i++) raw.send(pings);
    await all;
    // The pongs to the pings of one read may wait. Bun reads up to 512 KiB at once.
    expect(buffered[0]).toBeLessThan(600_000);
    expect(buffered[1]).toBe(buffered[0]);
  });
});
