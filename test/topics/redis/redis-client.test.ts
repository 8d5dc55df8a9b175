import { createClient } from "redis";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { commandsOf, type NodeRedisClient } from "../../../src/topics/redis/redis-client.ts";
import { freePort } from "../../support/engine.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));

afterEach(() => void vi.useRealTimers());

it("removes commands from the queue of a disconnected client, except for the first hundred", async () => {
  const client = createClient({
    socket: { host: "127.0.0.1", port: await freePort(), reconnectStrategy: () => 20 },
    // As in releases that have no limit.
    commandOptions: { timeout: undefined as never },
  });
  client.on("error", () => {});
  const connecting = client.connect().catch(() => {});
  const commands = commandsOf(client);
  let rejected = 0;
  const calls = Array.from({ length: 150 }, () =>
    commands.call("PING").catch(() => void rejected++),
  );
  await vi.advanceTimersByTimeAsync(29_999);
  expect(rejected).toBe(0);
  await vi.advanceTimersByTimeAsync(1);
  expect(rejected).toBe(50);
  client.destroy();
  await connecting;
  await Promise.all(calls);
  expect(rejected).toBe(150);
});

it("leaves no timer and no limit behind once the commands are answered", async () => {
  const answers: (() => void)[] = [];
  const options: unknown[] = [];
  const client = {
    sendCommand(_args: readonly string[], given?: object) {
      options.push(given);
      return new Promise<void>((resolve) => answers.push(resolve));
    },
  };
  const commands = commandsOf(client as unknown as NodeRedisClient);
  const calls = Array.from({ length: 101 }, () => commands.call("PING"));
  expect(options.filter((given) => given !== undefined)).toHaveLength(1);
  for (const answer of answers.splice(0)) answer();
  await Promise.all(calls);
  expect(vi.getTimerCount()).toBe(0);
  const last = commands.call("PING");
  expect(options.at(-1)).toBeUndefined();
  answers[0]();
  await last;
});
