import { once } from "node:events";
import { Duplex } from "node:stream";
import { describe, expect, it } from "vitest";
import { WebSocket } from "../../src/ws/index.ts";
import { uncaughtErrorsOf } from "../support/uncaught-errors.ts";
import { webSocketPair } from "./pair.ts";

/** Two connected streams. Not duplexPair of node:stream, which Node.js 20 lacks. */
function duplexPair(): [Duplex, Duplex] {
  const create = (other: () => Duplex): Duplex =>
    new Duplex({
      read: () => {},
      write: (chunk, _encoding, done) => {
        other().push(chunk);
        done();
      },
      destroy: (error, done) => {
        other().push(null);
        done(error);
      },
    });
  const near: Duplex = create(() => far);
  const far: Duplex = create(() => near);
  return [near, far];
}

describe("a WebSocket", () => {
  it("is connecting until setSocket opens it", async () => {
    expect(new WebSocket(null).readyState).toBe(WebSocket.CONNECTING);
    const { client, server } = await webSocketPair();
    expect([client.readyState, server.readyState]).toEqual([WebSocket.OPEN, WebSocket.OPEN]);
    client.terminate();
    await once(server, "close");
  });

  it.each([
    ["client", "server"],
    ["server", "client"],
  ] as const)("sends text and bytes from the %s to the %s", async (from, to) => {
    const pair = await webSocketPair();
    const received: unknown[] = [];
    pair[to].on("message", (data: Buffer, isBinary: boolean) => received.push([data, isBinary]));
    pair[from].send("grüße");
    pair[from].send(Buffer.of(1, 2));
    pair[from].close(1000, "done");
    const [code, reason] = await once(pair[to], "close");
    expect(received).toEqual([
      [Buffer.from("grüße"), false],
      [Buffer.of(1, 2), true],
    ]);
    expect([code, reason]).toEqual([1000, Buffer.from("done")]);
  });

  it("is a client over any stream if _isServer is false, as @fastify/websocket needs it", async () => {
    const [near, far] = duplexPair();
    const [client, server] = [new WebSocket(null), new WebSocket(null)];
    client._isServer = false;
    expect([client._isServer, server._isServer]).toEqual([false, true]);
    const opened = once(client, "open");
    client.setSocket(near, Buffer.alloc(0), { maxPayload: 0 });
    server.setSocket(far, Buffer.alloc(0));
    await opened;
    client.send("text");
    expect(await once(server, "message")).toEqual([Buffer.from("text"), false]);
    client.terminate();
    await once(server, "close");
  });

  it.each(["client", "server"] as const)(
    "lets a method pong of a %s answer its pings",
    async (role) => {
      const pair = await webSocketPair();
      const [receiver, sender] =
        role === "client" ? [pair.client, pair.server] : [pair.server, pair.client];
      const pong = receiver.pong.bind(receiver);
      receiver.pong = (data: unknown) => {
        pong(`answer to ${String(data)}`);
      };
      const ponged = once(sender, "pong") as Promise<[Buffer]>;
      sender.ping("one");
      expect(String((await ponged)[0])).toBe("answer to one");

      const uncaught = uncaughtErrorsOf(async () => await once(receiver, "ping"));
      receiver.pong = () => {
        throw new Error("pong failed");
      };
      sender.ping("two");
      expect(await uncaught).toMatchObject([{ message: "pong failed" }]);
      pair.client.terminate();
    },
  );

  it("passes events of the WHATWG interface to the listeners of addEventListener", async () => {
    const { client, server } = await webSocketPair();
    const received: unknown[] = [];
    server.addEventListener("message", ({ data, target }) => received.push(data, target));
    const closed = new Promise<unknown>((resolve) => {
      server.onclose = ({ code, wasClean, type }) => resolve({ code, wasClean, type });
    });
    client.send("text");
    client.close(3000);
    expect(await closed).toEqual({ code: 3000, wasClean: true, type: "close" });
    expect(received).toEqual(["text", server]);
  });
});
