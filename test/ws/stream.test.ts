import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { createWebSocketStream } from "../../src/ws/stream.ts";
import { WebSocket } from "../../src/ws/index.ts";
import { webSocketPair } from "./pair.ts";

describe("createWebSocketStream", () => {
  it("passes chunks on as messages, in both directions", async () => {
    const { client, server } = await webSocketPair();
    const [left, right] = [createWebSocketStream(client), createWebSocketStream(server)];
    left.end("to the server");
    const received = await right.toArray();
    expect(Buffer.concat(received).toString()).toBe("to the server");
    right.end();
    left.resume();
    await once(left, "close");
  });

  it("converts text messages to strings in readable object mode", async () => {
    const { client, server } = await webSocketPair();
    const stream = createWebSocketStream(server, { readableObjectMode: true });
    client.send("text");
    expect(await once(stream, "data")).toEqual(["text"]);
    stream.destroy();
    await once(client, "close");
  });

  it("pauses the WebSocket while the stream is full, and resumes it when the stream is read", async () => {
    const { client, server } = await webSocketPair();
    const stream = createWebSocketStream(server, { readableHighWaterMark: 4 });
    client.send(Buffer.alloc(8, 1));
    client.send(Buffer.alloc(8, 2));
    client.close();
    await once(server, "message");
    expect(server.isPaused).toBe(true);
    const received = await stream.toArray();
    expect(Buffer.concat(received)).toHaveLength(16);
  });

  it("reports a write to a closing WebSocket as an error of the stream", async () => {
    const { client, server } = await webSocketPair();
    const stream = createWebSocketStream(client);
    client.close();
    stream.write("late");
    const [error] = (await once(stream, "error")) as [Error];
    expect(error.message).toBe("WebSocket is not open: readyState 2 (CLOSING)");
    await once(server, "close");
  });

  it("terminates the WebSocket when the stream is destroyed", async () => {
    const { client, server } = await webSocketPair();
    const stream = createWebSocketStream(client);
    stream.on("error", () => {});
    stream.destroy(new Error("no longer needed"));
    const [code] = (await once(server, "close")) as [number];
    expect(code).toBe(1006);
    expect(client.readyState).toBe(WebSocket.CLOSED);
  });

  it("passes on an error of the WebSocket", async () => {
    const { client, server } = await webSocketPair();
    const stream = createWebSocketStream(server);
    const closed = once(client, "close");
    client._sender!.sendFrame([Buffer.of(0x85, 0x80, 0, 0, 0, 0)]);
    const [error] = (await once(stream, "error")) as [Error & { code: string }];
    expect(error.code).toBe("WS_ERR_INVALID_OPCODE");
    expect((await closed)[0]).toBe(1002);
  });
});
