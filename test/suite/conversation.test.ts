import { ConnectionClosedError, prepare, type Socket } from "tideway/server";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { startVenue } from "./start.ts";
import type { Venue } from "./transports.ts";

const onError = vi.fn<(error: unknown) => void>();
let running: Venue;

beforeEach(() => onError.mockReset());

afterEach(async () => {
  await running.stop();
  expect(onError.mock.calls).toEqual([]);
});

/** A promise with the functions that settle it. */
function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  return { promise: new Promise<T>((settle) => (resolve = settle)), resolve };
}

type Handle = (socket: Socket) => unknown;

async function open(handle: Handle, route: object = {}, protocols: string[] = []) {
  running = await startVenue({ onError, routes: { "ws:/": { ...route, handle } } });
  const client = new running.WebSocket(`${running.url}/`, protocols);
  client.binaryType = "arraybuffer";
  await client.onOpen.first;
  return client;
}

async function echo(socket: Socket): Promise<void> {
  for await (const message of socket) if (!socket.send(message)) await socket.drained;
}

it.each([0, 1, 125, 126, 1000])(
  "text and bytes of length %i are echoed in order",
  async (length) => {
    const client = await open(echo);
    const text = "é".repeat(length >> 1) + "a".repeat(length & 1);
    const bytes = Uint8Array.from({ length }, (_, index) => index);
    const sent: Array<string | Uint8Array<ArrayBuffer>> = [text, bytes, text, bytes];
    const received: unknown[] = [];
    const all = deferred<void>();
    client.onMessage.listen(({ data }) => {
      if (received.push(data) === sent.length) all.resolve();
    });
    for (const message of sent) client.send(message);
    await all.promise;
    expect(received).toEqual([text, bytes.buffer, text, bytes.buffer]);
  },
);

it("a prepared message reaches many clients as if it were sent to each separately", async () => {
  const bytes = Buffer.of(1, 2, 3);
  const messages = [prepare("tidé"), prepare(bytes), prepare("a".repeat(5000))];
  bytes.fill(0);
  running = await startVenue({
    routes: {
      "ws:/": {
        compression: { thresholdBytes: 100 },
        handle: (socket: Socket) => {
          for (const message of messages) socket.send(message);
          socket.close();
        },
      },
    },
  });
  for (const options of [{}, {}, { compression: false }]) {
    const client = new running.WebSocket(`${running.url}/`, options);
    client.binaryType = "arraybuffer";
    const received: unknown[] = [];
    client.onMessage.listen(({ data }) => received.push(data));
    await client.onClose.first;
    expect(received).toEqual(["tidé", Uint8Array.of(1, 2, 3).buffer, "a".repeat(5000)]);
  }
});

it("a message that is transferred to a worker leaves other messages intact", async () => {
  const held: Uint8Array[] = [];
  const client = await open(async (socket) => {
    for await (const message of socket) {
      held.push(message as Uint8Array);
      if (held.length < 3) continue;
      try {
        // A pooled message is copied by Node 20 and refused by later releases.
        structuredClone(held[0], { transfer: [held[0].buffer as ArrayBuffer] });
      } catch {}
      for (const other of held.slice(1)) socket.send(other);
    }
  });
  const received: unknown[] = [];
  const all = deferred<void>();
  client.onMessage.listen(({ data }) => {
    if (received.push(data) === 2) all.resolve();
  });
  for (let byte = 1; byte <= 3; byte++) client.send(Uint8Array.of(byte, byte));
  await all.promise;
  // Messages of a client share no memory: they have the buffers that arrived.
  expect(received).toEqual([2, 3].map((byte) => Uint8Array.of(byte, byte).buffer));
});

it("messages that the server sends at once are delivered", async () => {
  const first = deferred<unknown>();
  running = await startVenue({ routes: { "ws:/": (socket) => void socket.send("first") } });
  const client = new running.WebSocket(`${running.url}/`);
  client.onMessage.listen(({ data }) => first.resolve(data));
  expect(await first.promise).toBe("first");
});

it("messages that arrive before the handler listens are kept", async () => {
  const asked = deferred<void>();
  const received = deferred<unknown[]>();
  const client = await open(async (socket) => {
    await asked.promise;
    const iterator = socket[Symbol.asyncIterator]();
    received.resolve([(await iterator.next()).value, (await iterator.next()).value]);
  });
  client.send("a");
  client.send("b");
  asked.resolve();
  expect(await received.promise).toEqual(["a", "b"]);
});

it("client and server negotiate a subprotocol", async () => {
  const client = await open(() => {}, { protocols: ["v2", "v1"] }, ["v1", "v2"]);
  expect(client.protocol).toBe("v2");
});

it.each([
  [undefined, undefined, 1005],
  [1000, "done", 1000],
  [4321, "é", 4321],
])("the client can close with %s", async (code, reason, reported) => {
  const ended = deferred<unknown>();
  const client = await open((socket) => {
    socket.listen(() => {});
    void socket.done.then(ended.resolve);
  });
  const closed = client.onClose.first;
  client.close(code, reason);
  expect(await ended.promise).toEqual({ code: reported, reason: reason ?? "", wasClean: true });
  expect(await closed).toMatchObject({ code: reported, wasClean: true });
});

it("the server can close, and the close code decides how the client's loop ends", async () => {
  for (const code of [1000, 4000]) {
    const client = await open((socket) => {
      socket.send("last");
      socket.close(code, "over");
    });
    const closed = client.onClose.first;
    const received: unknown[] = [];
    const loop = async (): Promise<void> => {
      for await (const { data } of client.onMessage) received.push(data);
    };
    if (code === 1000) await loop();
    else await expect(loop()).rejects.toMatchObject({ closeCode: 4000, reason: "over" });
    expect(received).toEqual(["last"]);
    expect(await closed).toMatchObject({ code, reason: "over", wasClean: true });
  }
});

it("the handler's loop ends with or without an error, depending on the close code", async () => {
  for (const code of [1000, 4000]) {
    const outcome = deferred<unknown>();
    const client = await open(async (socket) => {
      try {
        for await (const _message of socket);
        outcome.resolve("ended");
      } catch (error) {
        outcome.resolve(error);
      }
    });
    client.close(code);
    if (code === 1000) expect(await outcome.promise).toBe("ended");
    else expect(await outcome.promise).toBeInstanceOf(ConnectionClosedError);
    await running.stop();
  }
});

it("a message above the limit fails the connection with 1009", async () => {
  const client = await open(echo, { maxMessageBytes: 10 });
  const closed = client.onClose.first;
  client.send("x".repeat(11));
  expect(await closed).toMatchObject({ code: 1009, wasClean: true });
});

it("a handler that throws closes the connection with 1011, and its error is reported", async () => {
  const client = await open(() => {
    throw new Error("a bug");
  });
  expect(await client.onClose.first).toMatchObject({ code: 1011 });
  expect(onError).toHaveBeenCalledOnce();
  onError.mockReset();
});

it("the client reports 1006 when the server terminates the connection", async () => {
  const client = await open((socket) => socket.listen(() => socket.terminate()));
  const closed = client.onClose.first;
  client.send("now");
  expect(await closed).toMatchObject({ code: 1006, wasClean: false });
});

it("a request that no route matches gets an HTTP status", async () => {
  running = await startVenue({ routes: { "/": () => new Response("page") } });
  const { onError: errors } = new running.WebSocket(`${running.url}/nowhere`);
  expect(await errors.first).toMatchObject({ error: { status: 404 } });
});

it("a handler that does not read delays the client, and nothing is lost", async () => {
  const go = deferred<void>();
  const received: number[] = [];
  const all = deferred<void>();
  const count = 40;
  const client = await open(
    async (socket) => {
      await go.promise;
      for await (const message of socket) {
        if (received.push((message as Uint8Array)[0]) === count) all.resolve();
      }
    },
    { maxQueuedBytes: 2000, maxQueuedMessages: 2 },
  );
  for (let index = 0; index < count; index++) client.send(new Uint8Array(1000).fill(index));
  go.resolve();
  await all.promise;
  expect(received).toEqual(Array.from({ length: count }, (_, index) => index));
});

it("stop closes every socket", async () => {
  const client = await open((socket) => socket.listen(() => {}));
  const closed = client.onClose.first;
  await running.stop({ code: 1012, reason: "restart" });
  expect(await closed).toMatchObject({ code: 1012, reason: "restart", wasClean: true });
  expect(running.sockets.size).toBe(0);
});

it("the latency is known once a ping has been answered", async () => {
  const accepted = deferred<Socket>();
  const client = await open((socket) => accepted.resolve(socket));
  const socket = await accepted.promise;
  expect(socket.latencyMs).toBeUndefined();
  const received = deferred<void>();
  socket.listen(() => received.resolve());
  socket.ping("there");
  // After the pong, since the answer to a ping precedes what is sent later.
  client.onMessage.listen(() => client.send("and back"));
  socket.send("after the ping");
  await received.promise;
  expect(socket.latencyMs).toBeGreaterThan(0);
  client.close();
});
