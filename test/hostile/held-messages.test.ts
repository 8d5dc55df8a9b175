import { once } from "node:events";
import { ConnectionClosedError, type Socket } from "tideway/server";
import { MemoryNetwork } from "tideway/testing";
import { expect, it, vi } from "vitest";

it("a connection drops most unread compressed messages when its peer resets it", async () => {
  const network = new MemoryNetwork();
  let socket: Socket | undefined;
  await using _server = network.serve({
    compression: true,
    routes: { "ws:/": (opened) => void (socket = opened) },
  });
  const client = new network.WebSocket("ws://test/");
  await once(client, "open");
  for (let count = 0; count < 20; count++) client.send(new Uint8Array(1_048_576));
  await vi.waitUntil(() => client.bufferedAmount === 0);
  client.send("the last");
  await vi.waitUntil(() => client.bufferedAmount === 0);
  network.links[0].reset();
  let receivedBytes = 0;
  const messages = (async () => {
    await socket!.done;
    for await (const message of socket!) receivedBytes += message.length;
  })();
  await expect(messages).rejects.toBeInstanceOf(ConnectionClosedError);
  expect(receivedBytes).toBeGreaterThanOrEqual(1_048_576);
  expect(receivedBytes).toBeLessThanOrEqual(2 * 1_048_576);
});
