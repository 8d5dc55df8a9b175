import { bytes, connect, defineContract } from "tideway/channels";
import { expect, it, onTestFinished } from "vitest";
import { anything, start, text } from "../server/support.ts";

const contract = defineContract({
  topics: {
    "rooms/:room": { message: text },
    "files/:id": { message: bytes() },
  },
  calls: { "math/double": { input: anything, output: anything } },
});

async function connected(): Promise<ReturnType<typeof connect<typeof contract>>> {
  const server = await start(contract, {
    rules: {
      "rooms/:room": { subscribe: true, publish: true },
      "files/:id": { subscribe: true, publish: true },
    },
    calls: { "math/double": (input: number) => 2 * input },
  });
  const client = connect(server.url, { contract });
  onTestFinished(() => client.close());
  return client;
}

it("publishes to a topic, and iterates over its messages", async () => {
  const client = await connected();
  const room = client.topic("rooms/:room", { room: "tides" });
  expect(room.name).toBe("rooms/tides");
  const first = await room.publish("hello");
  expect(first.isDuplicate).toBe(false);
  const seen: unknown[] = [];
  for await (const message of room.messages({ last: 10 })) {
    seen.push(message.data);
    if (seen.length === 1) {
      expect(message.position).toBe(first.position);
      void room.publish("again");
    } else break;
  }
  expect(seen).toEqual(["hello", "again"]);
});

it("publishes bytes", async () => {
  const client = await connected();
  const file = client.topic("files/:id", { id: "1" });
  await file.publish(new Uint8Array([1, 10, 255]));
  for await (const { data } of file.messages({ last: 1 })) {
    expect(data).toEqual(new Uint8Array([1, 10, 255]));
    break;
  }
});

it("calls a handler", async () => {
  const client = await connected();
  await expect(client.call("math/double", 21)).resolves.toBe(42);
  expect(client.state).toBe("open");
  await client.close();
  expect(client.state).toBe("closed");
});
