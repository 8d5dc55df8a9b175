import { once } from "node:events";
import { describe, expect, it } from "vitest";
import type { WebSocket } from "../../../src/ws/index.ts";
import { uncaughtErrorsOf } from "../../support/uncaught-errors.ts";
import { webSocketPair } from "../pair.ts";

/** Collects the data of messages. */
function collect(webSocket: WebSocket): unknown[] {
  const received: unknown[] = [];
  webSocket.on("message", (data) => received.push(data));
  return received;
}

describe("the events of a WebSocket", () => {
  it("deliver binary messages in the type of binaryType", async () => {
    const { client, server } = await webSocketPair();
    const received = collect(server);
    server.binaryType = "arraybuffer";
    client.send(Buffer.of(1));
    await once(server, "message");
    server.binaryType = "fragments";
    client.send(Buffer.of(2), { fin: false });
    client.send(Buffer.of(3));
    client.send(Buffer.of(4));
    await once(server, "message");
    server.binaryType = "blob";
    client.send(Buffer.of(5));
    client.close();
    await once(server, "close");
    expect(received.slice(0, 3)).toEqual([
      Uint8Array.of(1).buffer,
      [Buffer.of(2), Buffer.of(3)],
      [Buffer.of(4)],
    ]);
    expect(new Uint8Array(await (received[3] as Blob).arrayBuffer())).toEqual(Uint8Array.of(5));
  });

  it("stop during a pause, also after close, and continue with the next message", async () => {
    const { client, server } = await webSocketPair();
    const received = collect(server);
    server.on("message", () => server.pause());
    client.send("first");
    client.send("second");
    await once(server, "message");
    server.close();
    expect(server.isPaused).toBe(true);
    expect(received).toHaveLength(1);
    server.resume();
    expect(received).toHaveLength(2);
    server.resume();
    await once(server, "close");
  });

  it.each([true, false])(
    "include all messages that arrived before an abnormal close, whether or not they were paused, with allowSynchronousEvents: %s",
    async (allowSynchronousEvents) => {
      const { client, server } = await webSocketPair({ server: { allowSynchronousEvents } });
      const received = collect(server);
      server.on("message", () => server.pause());
      for (let count = 0; count < 10; count++) client.send("x");
      await once(server, "message");
      server._socket!.destroy();
      await once(server, "close");
      expect(received).toHaveLength(10);
    },
  );

  it("are emitted in separate turns with allowSynchronousEvents: false", async () => {
    const { client, server } = await webSocketPair({ server: { allowSynchronousEvents: false } });
    let turn = 0;
    const turns: number[] = [];
    server.on("message", () => {
      turns.push(turn);
      setImmediate(() => turn++);
    });
    client.send("first");
    client.send("second");
    client.send("third");
    client.close(1000);
    expect((await once(server, "close"))[0]).toBe(1000);
    expect(new Set(turns).size).toBe(3);
  });

  it("fail the connection if a message exceeds maxPayload, with 1009 and without a reason", async () => {
    const { client, server } = await webSocketPair({ server: { maxPayload: 3 } });
    const closed = once(client, "close");
    const failed = once(server, "error");
    client.send("text");
    expect((await failed)[0]).toMatchObject({
      code: "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH",
      message: "Max payload size exceeded",
    });
    expect(await closed).toEqual([1009, Buffer.alloc(0)]);
  });

  it("fail the connection if a message has more fragments than maxFragments, even if they are tiny", async () => {
    const { client, server } = await webSocketPair({ server: { maxFragments: 2 } });
    const closed = once(client, "close");
    const failed = once(server, "error");
    for (let count = 0; count < 3; count++) client.send("", { fin: false });
    expect((await failed)[0]).toMatchObject({ code: "WS_ERR_TOO_MANY_BUFFERED_PARTS" });
    expect((await closed)[0]).toBe(1008);
  });

  it("fail the connection if text is not UTF-8, unless skipUTF8Validation is true", async () => {
    const strict = await webSocketPair();
    const failed = once(strict.server, "error");
    const closed = once(strict.client, "close");
    strict.client.send(Buffer.of(0xff), { binary: false });
    expect((await failed)[0]).toMatchObject({ code: "WS_ERR_INVALID_UTF8" });
    expect((await closed)[0]).toBe(1007);
    const { client, server } = await webSocketPair({ server: { skipUTF8Validation: true } });
    client.send(Buffer.of(0xff), { binary: false });
    expect(await once(server, "message")).toEqual([Buffer.of(0xff), false]);
    client.terminate();
    await once(server, "close");
  });

  it("include no message after terminate, also if it arrived before", async () => {
    const { client, server } = await webSocketPair();
    const received = collect(server);
    server.once("message", () => server.terminate());
    client.send("first");
    client.send("second");
    await once(server, "close");
    expect(received).toEqual([Buffer.from("first")]);
  });

  it("continue after a listener throws, and leave the exception uncaught", async () => {
    const { client, server } = await webSocketPair();
    const error = new Error("a bug");
    const received = collect(server);
    server.once("message", () => {
      throw error;
    });
    const uncaught = await uncaughtErrorsOf(async () => {
      client.send("first");
      client.send("second");
      client.close();
      await once(server, "close");
    });
    expect(uncaught).toEqual([error]);
    expect(received).toHaveLength(2);
  });
});
