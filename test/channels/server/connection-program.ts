/**
 * Closes the session of a client that does not answer the Close frame, and then publishes what a subscription must
 * report as lost. Prints "alive" if the event loop still turns. The test `connection.test.ts` runs it in a separate
 * process, because a loop of microtasks would block the tests.
 */
import { once } from "node:events";
import { setImmediate } from "node:timers/promises";
import { channels } from "tideway/channels/server";
import { serve } from "tideway/server";
import { Topics } from "tideway/topics";
import { WebSocket } from "ws";

const [, , whenSubscribed] = process.argv;

let allow!: (value: boolean) => void;
const allowed = new Promise<boolean>((resolve) => (allow = resolve));

const topics = new Topics({ onError() {} });
const api = channels(
  {
    topics: {
      "rooms/:room": {
        message: {
          "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) },
        },
      },
    },
  },
  {
    topics,
    authorize: () => ({ state: {} }),
    rules: { "rooms/:room": { subscribe: () => whenSubscribed === "before" || allowed } },
  },
);
const { port } = await serve({ port: 0, routes: { "ws:/api": api.route({ origins: "*" }) } });

const client = new WebSocket(`ws://localhost:${port}/api`, "tideway.channels.1");
await once(client, "open");
client.send(JSON.stringify({ type: "hello", session: "A".repeat(22), connection: 1 }));
client.send(JSON.stringify({ type: "subscribe", id: 1, topic: "rooms/a", credit: 1_000_000 }));
client.send(JSON.stringify({ type: "ping" }));
// The answer to `subscribe` comes before the answer to `ping`, unless the rule has not settled.
await new Promise<void>((resolve) => {
  client.addEventListener("message", ({ data }) => {
    if ((data as string).includes("pong")) resolve();
  });
});
client.pause();

for (const session of api.sessions()) session.close("forbidden");
allow(true);
await setImmediate();
// Code that does not use channels may publish text that is not JSON, which channels report as lost.
await topics.topic("rooms/a").publish("not JSON");
for (let turn = 0; turn < 10; turn++) await setImmediate();
console.log("alive");
process.exit();
