import { expect, it, vi } from "vitest";
import { settle } from "../../topics/support.ts";
import { anything, start } from "./support.ts";

/** Serves a client with a subscription and a watch. When their rules run again, they wait for `decide`. */
async function connected() {
  const waiting: ((isAllowed: boolean) => void)[] = [];
  let waits = false;
  const subscribe = vi.fn(() => !waits || new Promise<boolean>((resolve) => waiting.push(resolve)));
  const server = await start(
    { topics: { "rooms/:room": { message: anything, member: anything } } },
    {
      authorize: () => ({ state: {}, expiresAtMs: Date.now() + 60_000 }),
      rules: { "rooms/:room": { subscribe } },
    },
  );
  const client = await server.connect();
  await client.hello();
  await client.request({ type: "subscribe", id: 1, topic: "rooms/a", credit: 1_000 });
  await client.request({ type: "watch", id: 2, topic: "rooms/b" });
  subscribe.mockClear();
  waits = true;
  const decide = async (isAllowed: boolean): Promise<void> => {
    for (const resolve of waiting.splice(0)) resolve(isAllowed);
    await settle();
  };
  return { server, client, subscribe, decide };
}

it("runs a rule once at a time, and once more for all later requests", async () => {
  const { server, subscribe, decide } = await connected();
  const settled: number[] = [];
  const checks = [1, 2, 3].map((n) => server.api.recheck().then(() => settled.push(n)));
  await settle();
  expect(subscribe).toHaveBeenCalledTimes(2);
  await decide(true);
  expect(settled).toEqual([1]);
  expect(subscribe).toHaveBeenCalledTimes(4);
  await decide(true);
  await Promise.all(checks);
  expect(subscribe).toHaveBeenCalledTimes(4);
});

it("does not run more rules for fresh credentials while they run", async () => {
  const { client, subscribe, decide } = await connected();
  for (let auth = 0; auth < 2; auth++) {
    client.send({ type: "auth", auth });
    await client.next("welcome");
  }
  expect(subscribe).toHaveBeenCalledTimes(2);
  await decide(true);
  expect(subscribe).toHaveBeenCalledTimes(4);
  await decide(true);
});

it("runs no rule again for a subscription that the run before has ended", async () => {
  const { server, client, subscribe, decide } = await connected();
  const checks = [server.api.recheck(), server.api.recheck()];
  await settle();
  await decide(false);
  await Promise.all(checks);
  expect(await client.next("unsubscribed")).toMatchObject({ topic: "rooms/a", code: "FORBIDDEN" });
  expect(await client.next("unwatched")).toMatchObject({ topic: "rooms/b", code: "FORBIDDEN" });
  expect(subscribe).toHaveBeenCalledTimes(2);
});
