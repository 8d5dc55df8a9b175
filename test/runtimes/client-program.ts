/**
 * A client for a server in another runtime. Has conversations with `server-program.ts`, and prints as JSON what
 * failed. Usage: PROGRAM PORT TLS_PORT "tideway" | "own": which WebSocket.
 */
import { deepStrictEqual, strictEqual } from "node:assert";
import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { WebSocket as TidewayWebSocket } from "tideway";
import { connect } from "tideway/channels";
import type { contract } from "./contract.ts";

const [port, tlsPort, kind] = process.argv.slice(2);
const ca = readFileSync("test/support/certificates/localhost.crt", "utf8");

/** The members that the WebSocket classes of this package and of runtimes share. */
type Socket = Pick<
  WebSocket,
  | "send"
  | "close"
  | "binaryType"
  | "protocol"
  | "extensions"
  | "onopen"
  | "onmessage"
  | "onclose"
  | "onerror"
>;

const isOwn = kind === "own";
const addressOf = (scheme: string, path: string): string =>
  scheme === "wss" ? `wss://localhost:${tlsPort}${path}` : `ws://127.0.0.1:${port}${path}`;

function create(scheme: string, path: string): Socket {
  const url = addressOf(scheme, path);
  if (isOwn) return new WebSocket(url, ["a", "b"]);
  const tls = scheme === "wss" ? { tls: { ca } } : {};
  return new TidewayWebSocket(url, { protocols: ["a", "b"], ...tls });
}

const closeOf = (socket: Socket): Promise<CloseEvent> =>
  new Promise((resolve) => (socket.onclose = resolve as Socket["onclose"]));

async function open(scheme: string, path: string): Promise<Socket> {
  const socket = create(scheme, path);
  socket.binaryType = "arraybuffer";
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onclose = ({ code }) => reject(new Error(`closed with ${code} instead of open`));
  });
  return socket;
}

/** Resolves with the next messages, or rejects when the connection ends before. */
function receive(socket: Socket, count: number): Promise<unknown[]> {
  const received: unknown[] = [];
  return new Promise((resolve, reject) => {
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      received.push(data instanceof ArrayBuffer ? new Uint8Array(data) : data);
      if (received.length === count) resolve(received);
    };
    socket.onclose = ({ code }) =>
      reject(new Error(`closed with ${code} after ${received.length} of ${count} messages`));
  });
}

async function closedByClient(socket: Socket): Promise<void> {
  const closed = closeOf(socket);
  socket.close(3000, "fin");
  const { code, wasClean } = await closed;
  deepStrictEqual({ code, wasClean }, { code: 3000, wasClean: true });
}

async function closedByServer(socket: Socket): Promise<void> {
  const closed = closeOf(socket);
  socket.send("close");
  const { code, reason, wasClean } = await closed;
  deepStrictEqual({ code, reason, wasClean }, { code: 4001, reason: "ça va", wasClean: true });
}

const bytesOf = (length: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length }, (_, index) => index * 167 + (index >> 8));

/** Texts and bytes of all forms of length, and many messages in one task. */
async function exchange(socket: Socket): Promise<void> {
  const lengths = [0, 5, 126, 70_000, 1_000_000];
  const messages = lengths.flatMap((length) => ["é".repeat(length / 2), bytesOf(length)]);
  for (const message of messages) {
    const next = receive(socket, 1);
    socket.send(message);
    const [echoed] = await next;
    strictEqual(typeof echoed, typeof message);
    const isSame =
      typeof message === "string"
        ? echoed === message
        : Buffer.compare(echoed as Uint8Array, message) === 0;
    strictEqual(isSame, true, `an echo of ${message.length} is unchanged`);
  }
  const many = Array.from({ length: 2_000 }, (_, index) => `message ${index}`);
  const echoes = receive(socket, many.length);
  for (const message of many) socket.send(message);
  deepStrictEqual(await echoes, many);
}

let isCompressed = false;

const CONVERSATIONS: Record<string, () => Promise<void>> = {
  async plain() {
    const socket = await open("ws", "/plain");
    strictEqual(socket.protocol, "b");
    await exchange(socket);
    await closedByClient(socket);
    await closedByServer(await open("ws", "/plain"));
  },
  async compression() {
    const socket = await open("ws", "/compressed");
    isCompressed = socket.extensions.includes("permessage-deflate");
    if (!isOwn) strictEqual(isCompressed, true, "it is compressed");
    await exchange(socket);
    await closedByServer(socket);
  },
  async TLS() {
    const socket = await open("wss", "/compressed");
    await exchange(socket);
    await closedByServer(socket);
    await closedByClient(await open("wss", "/plain"));
  },
  async "a refusal"() {
    const socket = create("ws", "/private");
    // Some clients of runtimes have no close event, or another code.
    const refused = isOwn ? new Promise((resolve) => (socket.onerror = resolve)) : closeOf(socket);
    const opened = new Promise((_, reject) => {
      socket.onopen = () => reject(new Error("the connection is open"));
    });
    const event = await Promise.race([refused, opened]);
    if (!isOwn) strictEqual((event as CloseEvent).code, 1006);
  },
  async HTTP() {
    const response = await fetch(`http://127.0.0.1:${port}/page`);
    strictEqual(await response.text(), "page");
  },
  async topics() {
    const sockets = [create("ws", "/news"), create("ws", "/news")];
    const subscribed = sockets.map((socket) => receive(socket, 1));
    await Promise.all(subscribed);
    const published = sockets.map((socket) => receive(socket, 2));
    sockets[0].send("ebb");
    sockets[0].send("flow");
    for (const messages of await Promise.all(published)) {
      const publications = messages.map((json) => JSON.parse(json as string) as { text: string });
      deepStrictEqual(
        publications.map(({ text }) => text),
        ["ebb", "flow"],
      );
    }
    await Promise.all(sockets.map(closedByClient));
  },
  ...(!isOwn && { channels: testChannels }),
};

async function testChannels(): Promise<void> {
  const client = connect<typeof contract>(addressOf("ws", "/api"));
  strictEqual(await client.call("double", 21), 42);
  const topic = client.topic("numbers/:name", { name: "tides" });
  await topic.publish(1);
  const received: number[] = [];
  for await (const { data } of topic.messages({ last: 1 })) {
    received.push(data);
    if (data === 3) break;
    await topic.publish(data + 1);
  }
  deepStrictEqual(received, [1, 2, 3]);
  await client.close();
}

const failed: Record<string, string> = {};
for (const [name, converse] of Object.entries(CONVERSATIONS)) {
  const deadline = setTimeout(8_000, undefined, { ref: false }).then(() => {
    throw new Error("the conversation has not ended in 8 seconds");
  });
  await Promise.race([converse(), deadline]).catch((error: unknown) => {
    failed[name] = String(error);
  });
}
console.log(JSON.stringify({ conversations: Object.keys(CONVERSATIONS), failed, isCompressed }));
process.exit();
