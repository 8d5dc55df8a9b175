import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { WebSocket } from "tideway";
import { attach, ConnectionClosedError } from "tideway/server";
import { connectedPair, MemoryNetwork } from "tideway/testing";

describe("the WebSocket of dart:io, as a client,", () => {
  it("connects with subprotocols and headers, including the user agent", async () => {
    const network = new MemoryNetwork();
    let headers: IncomingHttpHeaders = {};
    await using _server = network.serve({
      routes: {
        "ws:/": {
          protocols: ["a"],
          handle: (socket, { request }) => {
            headers = Object.fromEntries(request.headers);
            socket.close();
          },
        },
      },
    });
    const socket = new network.WebSocket("ws://host/", {
      protocols: ["a"],
      headers: { "user-agent": "mine", authorization: "Bearer x" },
    });
    await socket.onClose.first;
    expect(headers).toMatchObject({ "user-agent": "mine", authorization: "Bearer x" });
  });

  it("offers compression and negotiates it with a server that supports it", async () => {
    const network = new MemoryNetwork();
    await using _server = network.serve({
      routes: { "ws:/": { compression: true, handle: (socket) => socket.close() } },
    });
    const offering = new network.WebSocket("ws://host/");
    await offering.onClose.first;
    expect(offering.extensions).toContain("permessage-deflate");
    const silent = new network.WebSocket("ws://host/", { compression: false });
    await silent.onClose.first;
    expect(silent.extensions).toBe("");
  });

  it("opens within a timeout, or fails", async () => {
    await using pair = await connectedPair();
    const never = pair.client.onOpen.until(AbortSignal.abort("too late")).first;
    await expect(never).rejects.toBe("too late");
  });
});

describe("the WebSocket of dart:io, as a server,", () => {
  it("accepts the upgrades of an existing HTTP server", async () => {
    const http = createServer((_request, response) => response.end("plain"));
    const attachment = attach(http, { routes: { "ws:/": (socket) => void socket.send("hello") } });
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    const { port } = http.address() as AddressInfo;
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
    expect((await socket.onMessage.first).data).toBe("hello");
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("plain");
    socket.close();
    await socket.onClose.first;
    await attachment.stop();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });

  it("has protocol, extensions and readyState", async () => {
    await using pair = await connectedPair({ protocol: "a" });
    const { server } = pair;
    expect([server.protocol, server.extensions, server.readyState]).toEqual(["a", "", 1]);
    server.terminate();
    await server.done;
    expect(server.readyState).toBe(3);
  });

  it("resolves done with the close code and reason", async () => {
    await using pair = await connectedPair();
    pair.server.listen(() => {});
    pair.client.close(4000, "why");
    expect(await pair.server.done).toEqual({ code: 4000, reason: "why", wasClean: true });
  });

  it("sends text, bytes, and text that is already UTF-8", async () => {
    await using pair = await connectedPair();
    pair.client.binaryType = "arraybuffer";
    const messages = pair.client.onMessage.map(({ data }) => data)[Symbol.asyncIterator]();
    pair.server.add("text");
    pair.server.add(Uint8Array.of(1, 2));
    pair.server.add(new TextDecoder().decode(Uint8Array.of(0xc3, 0xa9)));
    expect((await messages.next()).value).toBe("text");
    expect((await messages.next()).value).toEqual(Uint8Array.of(1, 2).buffer);
    expect((await messages.next()).value).toBe("\u{e9}");
  });

  it("sends a stream at the pace of the peer", async () => {
    await using pair = await connectedPair();
    const messages = pair.client.onMessage.map(({ data }) => data)[Symbol.asyncIterator]();
    await pair.server.addStream(["a", "b"]);
    pair.server.close();
    const observed: unknown[] = [];
    for await (const data of messages) observed.push(data);
    expect(observed).toEqual(["a", "b"]);
  });

  it("closes with 1011 for an error of the handler, which is reported", async () => {
    const network = new MemoryNetwork();
    const errors: unknown[] = [];
    await using _server = network.serve({
      routes: {
        "ws:/": () => {
          throw new Error("broken");
        },
      },
      onError: (error) => errors.push(error),
    });
    const socket = new network.WebSocket("ws://host/");
    expect(await socket.onClose.first).toMatchObject({ code: 1011 });
    expect(errors).toEqual([new Error("broken")]);
  });

  it("closes with a code and a reason", async () => {
    await using pair = await connectedPair();
    pair.server.listen(() => {});
    pair.server.close(3002, "enough");
    expect(await pair.client.onClose.first).toMatchObject({ code: 3002, reason: "enough" });
  });

  it("listens, with pause, resume, cancel, onError and onDone", async () => {
    await using pair = await connectedPair();
    const log: unknown[] = [];
    const subscription = pair.server.listen((message) => log.push(message), {
      onError: ({ closeCode }) => log.push(closeCode),
      onDone: () => log.push("done"),
    });
    subscription.pause();
    pair.client.send("a");
    pair.client.close(4000);
    await pair.server.done;
    expect(log).toEqual([]);
    subscription.resume();
    expect(log).toEqual(["a", 4000, "done"]);

    await using other = await connectedPair();
    other.server.listen(() => {}).cancel();
    expect(await other.client.onClose.first).toMatchObject({ code: 1000 });
  });

  it("keeps messages that arrive before the first listener", async () => {
    await using pair = await connectedPair();
    pair.client.send("early");
    pair.client.close();
    await pair.server.done;
    const observed: unknown[] = [];
    for await (const message of pair.server) observed.push(message);
    expect(observed).toEqual(["early"]);
  });

  it("has a single consumer, and throws on a second", async () => {
    await using pair = await connectedPair();
    pair.server.listen(() => {});
    expect(() => pair.server[Symbol.asyncIterator]()).toThrow(
      expect.objectContaining({ code: "ALREADY_CONSUMED" }),
    );
    // The client's event streams have any number of listeners.
    const both = [pair.client.onMessage.first, pair.client.onMessage.first];
    pair.server.send("a");
    expect((await Promise.all(both)).map(({ data }) => data)).toEqual(["a", "a"]);
  });

  it("is read in a loop, which replaces the members of Stream for messages", async () => {
    await using pair = await connectedPair();
    for (const message of ["1", "2", "2", "3"]) pair.client.send(message);
    pair.client.close();
    const list: string[] = [];
    for await (const message of pair.server) list.push(message as string);
    expect([list.length, list.at(-1), list[2], list.join()]).toEqual([4, "3", "2", "1,2,2,3"]);
    expect([...new Set(list)]).toEqual(["1", "2", "3"]);
    expect([list.some((text) => text === "2"), list.every(Boolean), list.includes("4")]).toEqual([
      true,
      true,
      false,
    ]);
    expect(list.reduce((sum, text) => sum + Number(text), 0)).toBe(8);
  });

  it("closes when a loop is left after the first messages", async () => {
    await using pair = await connectedPair();
    for (const message of ["skip", "take", "never seen"]) pair.client.send(message);
    let taken: unknown;
    for await (const message of pair.server) {
      if (message === "skip") continue;
      taken = message;
      break;
    }
    expect(taken).toBe("take");
    expect(await pair.client.onClose.first).toMatchObject({ code: 1000 });
  });

  it("is transformed as a stream", async () => {
    await using pair = await connectedPair();
    for (const message of ["a", "b"]) pair.client.send(message);
    pair.client.close();
    const doubled = pair.server.readable.pipeThrough(
      new TransformStream<unknown, string>({
        transform(message, controller) {
          controller.enqueue(`${message as string}1`);
          controller.enqueue(`${message as string}2`);
        },
      }),
    );
    const observed: string[] = [];
    for await (const message of doubled) observed.push(message);
    expect(observed).toEqual(["a1", "a2", "b1", "b2"]);
  });

  it("is piped into a sink", async () => {
    await using pair = await connectedPair();
    const reply = pair.client.onMessage.first;
    const piping = pair.server.readable.pipeTo(pair.server.writable);
    pair.client.send("echo");
    expect((await reply).data).toBe("echo");
    pair.client.close();
    await piping.catch(() => {});
    expect((await pair.server.done).code).toBe(1005);
  });

  it("throws a typed error from the loop when it ends with an error", async () => {
    await using pair = await connectedPair();
    pair.link.reset();
    const loop = async (): Promise<void> => {
      for await (const _ of pair.server);
    };
    const error: unknown = await loop().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConnectionClosedError);
    expect(error).toMatchObject({ closeCode: 1006, closedBy: "transport" });
  });
});
