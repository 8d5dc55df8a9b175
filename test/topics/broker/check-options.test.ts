import { brokerSuite, connectedPair, MemoryLink, MemoryNetwork } from "tideway/testing";
import { formatPosition, MemoryBroker, Topics } from "tideway/topics";
import { NatsBroker } from "tideway/topics/nats";
import { RedisBroker } from "tideway/topics/redis";
import { describe, expect, it } from "vitest";
import { openTopics, RecordingSocket } from "../support.ts";

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

  const NO_SOCKET =
    "the first argument is not a socket; pass a socket of tideway/server, or an object with the properties of TopicSocket";
  const circular: { self?: unknown } = {};
  circular.self = circular;

  it.each<[string, string, (topics: Topics) => unknown]>([
    [
      "INVALID_TOPIC_NAME",
      "a topic name must be a string of 1 to 256 characters without lone surrogates, not 5",
      (t) => t.topic(5 as never),
    ],
    [
      "INVALID_TOPIC_NAME",
      "a topic name must be a string of 1 to 256 characters without lone surrogates, not a string of length 257",
      (t) => t.topic("x".repeat(257)),
    ],
    [
      "INVALID_ID",
      "the id must be a string of 1 to 128 characters, not 0 characters",
      (t) => t.topic("a").publish("", { id: "" }),
    ],
    [
      "INVALID_ID",
      "the id must be a string of 1 to 128 characters, not 5",
      (t) => t.topic("a").publish("", { id: 5 as never }),
    ],
    [
      "INVALID_SENDER",
      "the sender must be a string of 1 to 128 characters, not 129 characters",
      (t) => t.topic("a").send("", { sender: "x".repeat(129) }),
    ],
    [
      "INVALID_DATA",
      "the data of a publication must be a string or a Uint8Array, not 5",
      (t) => t.topic("a").publish(5 as never),
    ],
    [
      "PUBLICATION_TOO_BIG",
      "a publication of 1048578 bytes exceeds maxPublicationBytes 1048576; publish less data, or raise the limit",
      (t) => t.topic("a").publish("\u00e9".repeat(524_289)),
    ],
    ["INVALID_SOCKET", NO_SOCKET, (t) => t.topic("a").subscribe(null as never)],
    ["INVALID_SOCKET", NO_SOCKET, (t) => t.topic("a").subscribe("socket" as never)],
    [
      "INVALID_OPTION",
      "history: limit is -1; it must be an integer, 0 or more",
      (t) => t.topic("a").history({ limit: -1 }),
    ],
    [
      "INVALID_OPTION",
      "history: limit is true; it must be an integer, 0 or more",
      (t) => t.topic("a").history({ limit: true as never }),
    ],
    [
      "INVALID_MEMBER",
      "the id of a member must be a string of 1 to 128 characters",
      (t) => t.topic("a").enter(new RecordingSocket(), undefined as never),
    ],
    [
      "INVALID_MEMBER",
      "JSON cannot express the data of the member; see cause",
      (t) => t.topic("a").enter(new RecordingSocket(), { id: "m", data: circular }),
    ],
    [
      "INVALID_MEMBER",
      "a member of 16410 characters of JSON exceeds the limit of 16384; use less data",
      (t) => t.topic("a").enter(new RecordingSocket(), { id: "m", data: "x".repeat(16_384) }),
    ],
  ])("%s, %s", async (code, message, call) => {
    const topics = openTopics({ presence: true });
    await expect((async () => call(topics))()).rejects.toThrow(
      expect.objectContaining({ name: "UsageError", code, message }),
    );
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

const NULL = "the options are null; pass an object, or nothing for the defaults";
const COUNT = "it must be an integer above 0";
const FUNCTION = "it must be a function";
const BOOLEAN = "it must be true or false";
const KEY = "it must be 1 to 128 characters of A-Z a-z 0-9 _ -, or up to 16 such keys";

describe("an error about an option says what it must be:", () => {
  it.each<[string, (topics: Topics) => unknown]>([
    [`Topics: ${NULL}`, () => new Topics(null as never)],
    [`Topics: maxTopics is 0; ${COUNT}`, () => new Topics({ maxTopics: 0 })],
    [`Topics: onError is 5; ${FUNCTION}`, () => new Topics({ onError: 5 as never })],
    [
      'Topics: optionsOf("a") returned 5; return the options of a topic, or undefined',
      () => new Topics({ optionsOf: () => 5 as never }).topic("a"),
    ],
    ["a topic: there is no option size", () => new Topics({ size: 5 } as never).topic("a")],
    [`a topic: historySize is 0; ${COUNT}`, () => new Topics({ historySize: 0 }).topic("a")],
    [`a topic: encode is 5; ${FUNCTION}`, () => new Topics({ encode: 5 as never }).topic("a")],
    [`a topic: presence is 5; ${BOOLEAN}`, () => new Topics({ presence: 5 as never }).topic("a")],
    [`publish: ${NULL}`, (t) => t.topic("a").publish("", null as never)],
    [`send: ${NULL}`, (t) => t.topic("a").send("", null as never)],
    [`history: ${NULL}`, (t) => t.topic("a").history(null as never)],
    [`subscribe: ${NULL}`, (t) => t.topic("a").subscribe(new RecordingSocket(), null as never)],
    [
      `subscribe: encode is 5; ${FUNCTION}`,
      (t) => t.topic("a").subscribe(new RecordingSocket(), { encode: 5 as never }),
    ],
    [
      `subscribe: members is 5; ${BOOLEAN}`,
      (t) => t.topic("a").subscribe(new RecordingSocket(), { members: 5 as never }),
    ],
    [
      `enter: ${NULL}`,
      (t) => t.topic("a").enter(new RecordingSocket(), { id: "m" }, null as never),
    ],
    [
      `enter: graceMs is -1; ${COUNT}`,
      (t) => t.topic("a").enter(new RecordingSocket(), { id: "m" }, { graceMs: -1 }),
    ],
    [
      "leave: graceMs is -1; it must be an integer above 0",
      (t) => t.topic("a").leave({ keys: ["k"], graceMs: -1 }),
    ],
    [
      "leave: keys is []; it must be 1 to 16 keys of 1 to 128 characters of A-Z a-z 0-9 _ -",
      (t) => t.topic("a").leave({ keys: [] }),
    ],
    ["listen: listener is 5; it must be a function", (t) => t.topic("a").listen(5 as never)],
    [
      "watchMembers: listener is 5; it must be a function",
      (t) => t.topic("a").watchMembers(5 as never),
    ],
    [`MemoryBroker: ${NULL}`, () => new MemoryBroker(null as never)],
    ["MemoryBroker: there is no option max", () => new MemoryBroker({ max: 5 } as never)],
    [`MemoryBroker: maxTopics is 0; ${COUNT}`, () => new MemoryBroker({ maxTopics: 0 })],
    [`MemoryBroker: nowMs is 5; ${FUNCTION}`, () => new MemoryBroker({ nowMs: 5 as never })],
    [
      "RedisBroker.open: the client is 5; pass a client of the package redis or ioredis",
      () => RedisBroker.open(5 as never),
    ],
    [`RedisBroker: ${NULL}`, () => RedisBroker.open(redisClient, null as never)],
    [
      "RedisBroker: there is no option max",
      () => RedisBroker.open(redisClient, { max: 5 } as never),
    ],
    [
      `RedisBroker: maxTopics is 0; ${COUNT}`,
      () => RedisBroker.open(redisClient, { maxTopics: 0 }),
    ],
    [
      `RedisBroker: connectTimeoutMs is 0; ${COUNT}`,
      () => RedisBroker.open(redisClient, { connectTimeoutMs: 0 }),
    ],
    [
      `RedisBroker: isDurable is 5; ${BOOLEAN}`,
      () => RedisBroker.open(redisClient, { isDurable: 5 as never }),
    ],
    [
      `RedisBroker: isSharded is 5; ${BOOLEAN}`,
      () => RedisBroker.open(redisClient, { isSharded: 5 as never }),
    ],
    [
      'RedisBroker: prefix is "a{b"; it must be a string without braces',
      () => RedisBroker.open(redisClient, { prefix: "a{b" }),
    ],
    [
      'RedisBroker: prefix is "a}b"; it must be a string without braces',
      () => RedisBroker.open(redisClient, { prefix: "a}b" }),
    ],
    [
      "NatsBroker.open: the connection is 5; pass the result of connect of @nats-io/transport-node",
      () => NatsBroker.open(5 as never, {} as never),
    ],
    [
      "NatsBroker.open: the JetStream client is undefined; pass jetstream(connection) of @nats-io/jetstream",
      () => NatsBroker.open({ subscribe() {} } as never, undefined as never),
    ],
    [
      `a topic: historyBytes is a value of type string; ${COUNT}`,
      () => new Topics({ historyBytes: "x".repeat(99) as never }).topic("a"),
    ],
    [
      `a topic: historyAgeMs is "${"x".repeat(98)}"; ${COUNT}`,
      () => new Topics({ historyAgeMs: "x".repeat(98) as never }).topic("a"),
    ],
    [
      `a topic: idWindowMs is []; ${COUNT}`,
      () => new Topics({ idWindowMs: [] as never }).topic("a"),
    ],
    [
      `a topic: maxPublicationBytes is 1.5; ${COUNT}`,
      () => new Topics({ maxPublicationBytes: 1.5 }).topic("a"),
    ],
    [
      `subscribe: last is -1; it must be an integer, 0 or more`,
      (t) => t.topic("a").subscribe(new RecordingSocket(), { last: -1 }),
    ],
    [
      `enter: key is ""; it must be 1 to 128 characters of A-Z a-z 0-9 _ -`,
      (t) => t.topic("a").enter(new RecordingSocket(), { id: "m" }, { key: "" }),
    ],
    [
      `enter: replaces is "a b"; ${KEY}`,
      (t) => t.topic("a").enter(new RecordingSocket(), { id: "m" }, { replaces: "a b" }),
    ],
    [
      `enter: replaces is ${JSON.stringify(Array(17).fill("a"))}; ${KEY}`,
      (t) =>
        t
          .topic("a")
          .enter(new RecordingSocket(), { id: "m" }, { replaces: Array<string>(17).fill("a") }),
    ],
    [
      "Topics: broker is {}; it must be an object with the method publish",
      () => new Topics({ broker: {} as never }),
    ],
    [
      "Topics: patterns is 5; it must be an object of options by pattern",
      () => new Topics({ patterns: 5 as never }),
    ],
    [
      'Topics: patterns["a"] is 5; it must be the options of a topic',
      () => new Topics({ patterns: { a: 5 as never } }),
    ],
  ])("%s", async (message, call) => {
    const topics = openTopics({ presence: true });
    await expect((async () => call(topics))()).rejects.toThrow(
      expect.objectContaining({
        code: "INVALID_OPTION",
        message,
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
