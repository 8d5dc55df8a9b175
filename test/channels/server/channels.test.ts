import { describe, expect, it } from "vitest";
import { fail } from "tideway/channels/server";
import { anything, start, text } from "./support.ts";

const contract = {
  topics: { "rooms/:room": { message: text }, secrets: { message: text } },
  calls: {
    add: { input: anything, output: anything, errors: { overflow: anything } },
    slow: { input: anything, output: anything },
  },
};

const options = {
  rules: { "rooms/:room": { subscribe: true, publish: true } },
  calls: {
    add: ({ a, b }: { a: number; b: number }) =>
      a + b > 10 ? fail("overflow", { max: 10 }) : { sum: a + b },
    slow: async (value: unknown) => value,
  },
  onError: () => {},
};

describe("channels over a server", () => {
  it("welcomes, subscribes, publishes and calls", async () => {
    const server = await start(contract, options);
    const client = await server.connect();
    expect(await client.hello()).toEqual({
      type: "welcome",
      idWindowMs: 300_000,
      repeatable: [],
      maxPendingPublishes: 1_024,
      maxPendingCalls: 64,
    });
    const subscribed = await client.request({
      type: "subscribe",
      id: 1,
      topic: "rooms/tides",
      credit: 1_000,
    });
    expect(subscribed).toMatchObject({ type: "subscribed", number: 0, recovered: false });
    const published = await client.request({
      type: "publish",
      id: 2,
      topic: "rooms/tides",
      data: "hello",
      number: 1,
    });
    expect(published).toMatchObject({ type: "result", isDuplicate: false });
    expect(await client.next()).toEqual([0, "hello"]);
    expect(
      await client.request({ type: "call", id: 3, name: "add", input: { a: 1, b: 2 } }),
    ).toEqual({ type: "result", id: 3, output: { sum: 3 } });
    expect(
      await client.request({ type: "call", id: 4, name: "add", input: { a: 9, b: 2 } }),
    ).toEqual({ type: "error", id: 4, code: "overflow", data: { max: 10 } });
    expect(await client.request({ type: "call", id: 5, name: "slow", input: [1] })).toEqual({
      type: "result",
      id: 5,
      output: [1],
    });
  });
});
