import { brokerSuite, connectedPair, MemoryLink, MemoryNetwork } from "tideway/testing";
import { formatPosition, MemoryBroker, Topics } from "tideway/topics";
import { NatsBroker } from "tideway/topics/nats";
import { RedisBroker } from "tideway/topics/redis";
import { describe, expect, it } from "vitest";
import { openTopics, RecordingSocket } from "./support.ts";

const usageError = (code: string): Error =>
  expect.objectContaining({ name: "UsageError", code }) as Error;

const INVALID_OPTION = usageError("INVALID_OPTION");

describe("misuse throws a UsageError:", () => {
  it.each<[string, unknown]>([
    ["the options null", null],
    ["an array", []],
    ["a broker without methods", { broker: {} }],
    ["a broker without close", { broker: { ...methodsOf(new MemoryBroker()), close: undefined } }],
    ["an optionsOf that is not a function", { optionsOf: {} }],
    ["a prepare that is not a function", { prepare: 5 }],
    ["an onError that is not a function", { onError: "log" }],
    ["timers without setTimeout", { timers: {} }],
    ["an encode that is not a function", { encode: "json" }],
    ["a presence that is not a boolean", { presence: 1 }],
    ["an unknown option", { historysize: 5 }],
  ])("Topics with %s", (_, options) => {
    expect(() => new Topics(options as never)).toThrow(INVALID_OPTION);
  });

  it.each<[string, string, (topics: Topics) => Promise<unknown>]>([
    ["publish with options null", "INVALID_OPTION", (t) => t.topic("a").publish("", null as never)],
    ["publish with an empty id", "INVALID_ID", (t) => t.topic("a").publish("", { id: "" })],
    ["publish of a number", "INVALID_DATA", (t) => t.topic("a").publish(5 as never)],
    [
      "subscribe with options null",
      "INVALID_OPTION",
      (t) => t.topic("a").subscribe(new RecordingSocket(), null as never),
    ],
    ["subscribe of null", "INVALID_SOCKET", (t) => t.topic("a").subscribe(null as never)],
    ["subscribe of a string", "INVALID_SOCKET", (t) => t.topic("a").subscribe("socket" as never)],
    ["history with options null", "INVALID_OPTION", (t) => t.topic("a").history(null as never)],
    ["history with a limit of -1", "INVALID_LIMIT", (t) => t.topic("a").history({ limit: -1 })],
    [
      "enter without a member",
      "INVALID_MEMBER",
      (t) => t.topic("a").enter(new RecordingSocket(), undefined as never),
    ],
  ])("%s", async (_, code, call) => {
    await expect(call(openTopics({ presence: true }))).rejects.toThrow(usageError(code));
  });

  it("formatPosition of undefined", () => {
    expect(() => formatPosition(undefined as never)).toThrow(usageError("INVALID_POSITION"));
  });

  it.each([undefined, null, {}, 5])("RedisBroker.open with the client %j", async (client) => {
    await expect(RedisBroker.open(client as never)).rejects.toThrow(INVALID_OPTION);
  });

  it.each<[unknown, unknown]>([
    [undefined, undefined],
    [{ subscribe() {} }, {}],
    [{}, { jetstreamManager() {} }],
  ])("NatsBroker.open with the clients %j and %j", async (connection, jetStream) => {
    const opening = NatsBroker.open(connection as never, jetStream as never);
    await expect(opening).rejects.toThrow(INVALID_OPTION);
  });

  it("the helpers of tideway/testing with invalid options", async () => {
    expect(() => brokerSuite({} as never)).toThrow(INVALID_OPTION);
    expect(() => brokerSuite(undefined as never)).toThrow(INVALID_OPTION);
    expect(() => new MemoryNetwork(null as never)).toThrow(INVALID_OPTION);
    expect(() => new MemoryNetwork().listen({} as never)).toThrow(INVALID_OPTION);
    expect(() => new MemoryLink({ latencyMs: "5" as never })).toThrow(INVALID_OPTION);
    await expect(connectedPair(null as never)).rejects.toThrow(INVALID_OPTION);
  });
});

describe("an error about an option names the call and the option:", () => {
  it.each<[string, (topics: Topics) => unknown]>([
    ["Topics: the options are null", () => new Topics(null as never)],
    ["Topics: maxTopics", () => new Topics({ maxTopics: 0 })],
    ["Topics: onError", () => new Topics({ onError: 5 as never })],
    [
      'Topics: optionsOf\\("a"\\) returned 5',
      () => new Topics({ optionsOf: () => 5 as never }).topic("a"),
    ],
    ["a topic: there is no option size", () => new Topics({ size: 5 } as never).topic("a")],
    ["a topic: historySize", () => new Topics({ historySize: 0 }).topic("a")],
    ["a topic: encode", () => new Topics({ encode: 5 as never }).topic("a")],
    ["a topic: presence", () => new Topics({ presence: 5 as never }).topic("a")],
    ["publish: the options are null", (t) => t.topic("a").publish("", null as never)],
    ["send: the options are null", (t) => t.topic("a").send("", null as never)],
    ["history: the options are null", (t) => t.topic("a").history(null as never)],
    [
      "subscribe: the options are null",
      (t) => t.topic("a").subscribe(new RecordingSocket(), null as never),
    ],
    [
      "subscribe: encode",
      (t) => t.topic("a").subscribe(new RecordingSocket(), { encode: 5 as never }),
    ],
    [
      "subscribe: members",
      (t) => t.topic("a").subscribe(new RecordingSocket(), { members: 5 as never }),
    ],
    [
      "enter: the options are null",
      (t) => t.topic("a").enter(new RecordingSocket(), { id: "m" }, null as never),
    ],
    [
      "enter: graceMs",
      (t) => t.topic("a").enter(new RecordingSocket(), { id: "m" }, { graceMs: -1 }),
    ],
    ["MemoryBroker: the options are null", () => new MemoryBroker(null as never)],
    ["MemoryBroker: there is no option max", () => new MemoryBroker({ max: 5 } as never)],
    ["MemoryBroker: maxTopics", () => new MemoryBroker({ maxTopics: 0 })],
    ["MemoryBroker: nowMs", () => new MemoryBroker({ nowMs: 5 as never })],
    ["RedisBroker.open: the client is 5", () => RedisBroker.open(5 as never)],
    ["RedisBroker: the options are null", () => RedisBroker.open(redisClient, null as never)],
    [
      "RedisBroker: there is no option max",
      () => RedisBroker.open(redisClient, { max: 5 } as never),
    ],
    ["RedisBroker: maxTopics", () => RedisBroker.open(redisClient, { maxTopics: 0 })],
    ["RedisBroker: connectTimeoutMs", () => RedisBroker.open(redisClient, { connectTimeoutMs: 0 })],
    ["RedisBroker: isDurable", () => RedisBroker.open(redisClient, { isDurable: 5 as never })],
  ])("%s", async (start, call) => {
    const topics = openTopics({ presence: true });
    await expect((async () => call(topics))()).rejects.toThrow(
      expect.objectContaining({
        code: "INVALID_OPTION",
        message: expect.stringMatching(new RegExp(`^${start}\\b`)) as string,
      }),
    );
  });
});

/** Has a method of a Redis client, which is not called. */
const redisClient = { call() {} } as never;

function methodsOf(broker: MemoryBroker): Record<string, unknown> {
  const names = ["publish", "history", "subscribe", "enter", "leave", "members", "close"] as const;
  return Object.fromEntries(names.map((name) => [name, broker[name]]));
}
