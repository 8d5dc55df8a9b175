import { once } from "node:events";
import { createServer } from "node:http";
import type { Socket as NetSocket } from "node:net";
import { defineContract } from "tideway/channels";
import { channels } from "tideway/channels/server";
import { attach, type Socket, type StandardSchema } from "tideway/server";
import { connectedPair, MemoryLink, MemoryNetwork } from "tideway/testing";
import { Topics } from "tideway/topics";
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";

describe("connectedPair", () => {
  it("carries messages in both directions in order", async () => {
    await using pair = await connectedPair({ protocol: "test.v1" });
    expect(pair.client.protocol).toBe("test.v1");
    expect(pair.server.protocol).toBe("test.v1");
    pair.client.binaryType = "arraybuffer";
    pair.server.send("hello");
    pair.server.send(Uint8Array.of(1, 2, 3));
    const received: unknown[] = [];
    for await (const { data } of pair.client.onMessage) {
      received.push(data);
      if (received.length === 2) break;
    }
    expect(received).toEqual(["hello", Uint8Array.of(1, 2, 3).buffer]);
    pair.client.send("back");
    const { value } = await pair.server[Symbol.asyncIterator]().next();
    expect(value).toBe("back");
  });

  it.each([{ maxChunkBytes: 1 }, { maxChunkBytes: 3, latencyMs: 1 }, { bufferBytes: 1 }])(
    "carries messages over any link: %o",
    async (options) => {
      await using pair = await connectedPair(options);
      const text = "häääl ".repeat(200);
      pair.server.listen((message) => void pair.server.send(message));
      pair.client.send(text);
      pair.client.send("end");
      expect((await pair.client.onMessage.first).data).toBe(text);
    },
  );

  it("closes cleanly from either end", async () => {
    for (const side of ["client", "server"] as const) {
      await using pair = await connectedPair();
      pair.server.listen(() => {});
      const closed = pair.client.onClose.first;
      pair[side].close(4000, "enough");
      expect(await closed).toMatchObject({ code: 4000, wasClean: true });
      expect(await pair.server.done).toMatchObject({ code: 4000, wasClean: true });
    }
  });

  it("is closed with 1000 on dispose, so that a loop over it ends", async () => {
    const loop = async (server: Socket): Promise<string> => {
      for await (const _message of server);
      return "ended";
    };
    let whenEnded: Promise<string>;
    {
      await using pair = await connectedPair();
      whenEnded = loop(pair.server);
    }
    expect(await whenEnded).toBe("ended");
  });

  it("fails at both ends on reset", async () => {
    await using pair = await connectedPair();
    const closed = pair.client.onClose.first;
    pair.link.reset();
    expect(await closed).toMatchObject({ code: 1006, wasClean: false });
    expect(await pair.server.done).toMatchObject({ code: 1006, wasClean: false });
  });

  it("loses nothing in a stall that ends", async () => {
    await using pair = await connectedPair();
    const message = pair.client.onMessage.first;
    pair.link.stall();
    pair.server.send("late");
    let hasCome = false;
    void message.then(() => (hasCome = true));
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
    expect(hasCome).toBe(false);
    pair.link.resume();
    expect((await message).data).toBe("late");
  });

  it("splits a large message at every byte", async () => {
    await using pair = await connectedPair({ maxChunkBytes: 1 });
    const bytes = Uint8Array.from({ length: 200_000 }, (_, index) => index);
    pair.client.binaryType = "arraybuffer";
    const received = pair.client.onMessage.first;
    pair.server.send(bytes);
    expect(new Uint8Array((await received).data as ArrayBuffer)).toEqual(bytes);
  });

  it("ends both ends on dispose while the link is stalled", async () => {
    const pair = await connectedPair();
    const closed = pair.client.onClose.first;
    pair.link.stall();
    await pair[Symbol.asyncDispose]();
    expect(await closed).toMatchObject({ code: 1006 });
    expect(await pair.server.done).toMatchObject({ code: 1006 });
  });

  it.each([
    { maxChunkBytes: 0 },
    { bufferBytes: 0 },
    { latencyMs: -1 },
    { latencyMs: NaN },
    { maxChunk: 1 } as object,
  ])("refuses the options %o, as its network does", (options) => {
    const expected = expect.objectContaining({ code: "INVALID_OPTION" });
    expect(() => new MemoryLink(options)).toThrow(expected);
    expect(() => new MemoryNetwork(options)).toThrow(expected);
  });

  it("delays a writer while its peer does not read", async () => {
    await using pair = await connectedPair({ bufferBytes: 1000 });
    // More than the queue and the pieces of 64 KiB in transit hold together.
    const chunk = new Uint8Array(20_000);
    for (let count = 0; count < 40; count++) pair.client.send(chunk);
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    expect(pair.client.bufferedAmount).toBeGreaterThan(100_000);
    let received = 0;
    const all = new Promise<void>((resolve) => {
      pair.server.listen(() => ++received === 40 && resolve());
    });
    await all;
    expect(received).toBe(40);
  });
});

describe("MemoryNetwork", () => {
  describe("connect, with a contract,", () => {
    const text: StandardSchema<string> = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: (value) =>
          typeof value === "string" ? { value } : { issues: [{ message: "is not a text" }] },
      },
    };
    const contract = defineContract({
      topics: { "rooms/:room": { message: text } },
      calls: { shout: { input: text, output: text } },
    });
    const serve = (network: MemoryNetwork): AsyncDisposable => {
      const topics = new Topics();
      const api = channels(contract, {
        topics,
        authorize: ({ auth }) => ({ state: String(auth) }),
        rules: { "rooms/:room": { subscribe: true, publish: true } },
        calls: { shout: (input, { state }) => `${state}: ${input.toUpperCase()}` },
      });
      const server = network.serve({ routes: { "ws:/api": api.route() } });
      return {
        async [Symbol.asyncDispose]() {
          await server.stop();
          await topics.close();
        },
      };
    };

    it("connects a client of channels, with the types of the contract", async () => {
      const network = new MemoryNetwork({ maxChunkBytes: 3 });
      await using _server = serve(network);
      await using client = network.connect(contract, "ws://test/api", { auth: "ann" });
      const answer: string = await client.call("shout", "hello");
      expect(answer).toBe("ann: HELLO");
      // @ts-expect-error The contract has no such call.
      await expect(client.call("whisper", "hello")).rejects.toMatchObject({ code: "UNKNOWN_CALL" });
    });

    it("connects again when a link breaks", async () => {
      const network = new MemoryNetwork();
      await using _server = serve(network);
      await using client = network.connect(contract, new URL("ws://test/api"), {
        initialDelayMs: 1,
      });
      const room = client.topic("rooms/:room", { room: "tides" });
      const messages = room.messages({ last: 10 });
      await room.publish("one");
      expect(await messages.next()).toMatchObject({ value: { data: "one" } });
      network.links.at(-1)?.reset();
      await room.publish("two");
      expect(await messages.next()).toMatchObject({ value: { data: "two" } });
      expect(network.links).toHaveLength(2);
    });

    it("throws for a URL and for options that are not valid", () => {
      const network = new MemoryNetwork();
      expect(() => network.connect(contract, "not a URL")).toThrow("URL");
      expect(() => network.connect(contract, "ws://test/api", { initialDelayMs: -1 })).toThrow(
        expect.objectContaining({ code: "INVALID_OPTION" }),
      );
    });
  });

  it("routes by path and refuses as over TCP", async () => {
    const network = new MemoryNetwork();
    await using _server = network.serve({
      routes: {
        "ws:/rooms/:room": (socket, { params }) => void socket.send(params.room),
      },
    });
    const socket = new network.WebSocket("ws://any.host/rooms/blue");
    expect((await socket.onMessage.first).data).toBe("blue");
    const refused = new network.WebSocket("ws://any.host/nowhere");
    expect(await refused.onError.first).toMatchObject({
      error: { code: "UNEXPECTED_STATUS", status: 404 },
    });
    socket.close();
    await socket.onClose.first;
  });

  it("refuses connections while no server exists", async () => {
    const { onClose, onError } = new new MemoryNetwork().WebSocket("ws://any.host/");
    const [error, close] = await Promise.all([onError.first, onClose.first]);
    expect(error).toMatchObject({ error: { code: "CONNECT_FAILED" } });
    expect(close).toMatchObject({ code: 1006, wasClean: false });
  });

  it("reconnects after a link was reset", async () => {
    const network = new MemoryNetwork();
    await using _server = network.serve({
      routes: { "ws:/": (socket) => void socket.listen((message) => socket.send(message)) },
    });
    const socket = new network.ReconnectingWebSocket("ws://any.host/", { initialDelayMs: 1 });
    await socket.onOpen.first;
    network.links[0].reset();
    await socket.onReconnecting.first;
    socket.send("kept");
    expect((await socket.onMessage.first).data).toBe("kept");
    expect(network.links).toHaveLength(2);
    socket.close();
    await socket.onClose.first;
  });

  it("fires error and close with the reason after a refusal with 401, and stops", async () => {
    const network = new MemoryNetwork();
    await using _server = network.serve({
      routes: {
        "ws:/": { authorize: () => new Response("who?", { status: 401 }), handle: () => {} },
      },
    });
    const socket = new network.ReconnectingWebSocket("ws://any.host/", { initialDelayMs: 1 });
    const errors: unknown[] = [];
    socket.onerror = ({ error }) => errors.push(error);
    expect(await socket.onClose.first).toMatchObject({ code: 1006, wasClean: false });
    expect(errors).toEqual([expect.objectContaining({ code: "UNEXPECTED_STATUS", status: 401 })]);
    expect(network.links).toHaveLength(1);
    const plain = new network.WebSocket("ws://any.host/");
    expect(await plain.onClose.first).toMatchObject({ error: { status: 401 } });
  });

  it("supports WebSocketStream", async () => {
    const network = new MemoryNetwork();
    await using _server = network.serve({
      routes: { "ws:/": (socket) => socket.readable.pipeTo(socket.writable) },
    });
    const stream = new network.WebSocketStream("ws://any.host/");
    const { readable, writable } = await stream.opened;
    await writable.getWriter().write("there and back");
    expect((await readable.getReader().read()).value).toBe("there and back");
    stream.close({ closeCode: 1000 });
    expect(await stream.closed).toMatchObject({ closeCode: 1000 });
  });

  describe("fetch", () => {
    it("sends a request to a route, with a body and headers in both directions", async () => {
      const network = new MemoryNetwork({ maxChunkBytes: 5 });
      await using _server = network.serve({
        routes: {
          "post:/:name": async (request, { params, url }) =>
            new Response(`${params.name}${url.search}: ${await request.text()}`, {
              status: 201,
              statusText: "Made",
              headers: [
                ["x-seen", `${request.headers.get("x-sent")} by ${url.host}`],
                ["set-cookie", "a=1"],
                ["set-cookie", "b=2"],
              ],
            }),
          "/gone": () => new Response(null, { status: 204 }),
        },
      });
      const request = new Request("http://any.host:81/a?b", { headers: { "x-sent": "x" } });
      const response = await network.fetch(request, { method: "POST", body: "häh" });
      expect([response.status, response.statusText]).toEqual([201, "Made"]);
      expect(response.headers.get("x-seen")).toBe("x by any.host:81");
      expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
      expect(await response.text()).toBe("a?b: häh");
      expect((await network.fetch("http://any.host/gone")).body).toBeNull();
      expect((await network.fetch("http://any.host/a")).status).toBe(405);
    });

    it("rejects with a TypeError without a response, and with the reason when aborted", async () => {
      const network = new MemoryNetwork();
      await expect(network.fetch("http://any.host/")).rejects.toMatchObject({
        name: "TypeError",
        cause: { code: "ECONNREFUSED" },
      });
      await using _server = network.serve({ routes: { "/": () => new Promise(() => {}) } });
      const lost = network.fetch("http://any.host/");
      network.links[0].reset();
      await expect(lost).rejects.toMatchObject({
        name: "TypeError",
        cause: { code: "ECONNRESET" },
      });
      const controller = new AbortController();
      const aborted = network.fetch("http://any.host/", { signal: controller.signal });
      controller.abort(new Error("enough"));
      await expect(aborted).rejects.toThrow("enough");
      network.links[1].reset();
    });
  });

  it("accepts a custom server, and clients of other libraries", async () => {
    const network = new MemoryNetwork();
    const httpServer = createServer((_request, response) => response.end("theirs"));
    await using _attachment = attach(httpServer, {
      routes: { "ws:/": (socket) => void socket.send("ours") },
    });
    network.listen(httpServer);
    expect(await (await network.fetch("http://any.host/x")).text()).toBe("theirs");
    const createConnection = (): NetSocket => network.connect() as NetSocket;
    const foreign = new WebSocket("ws://any.host/", { createConnection });
    const [data] = (await once(foreign, "message")) as [Buffer];
    expect(data.toString()).toBe("ours");
    foreign.close();
    await once(foreign, "close");
  });
});
