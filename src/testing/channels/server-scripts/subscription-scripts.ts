import type { ServerScript } from "../script.ts";
import {
  CREDIT,
  expect,
  hello,
  inRoom,
  nothing,
  publish,
  request,
  send,
  subscribe,
} from "./parts.ts";

const ROOM = "rooms/<run>";

/** Publishes three messages as another client. */
const threeMessages = [
  ...hello("b", "ann", "<session2>"),
  ...publish(ROOM, 1, { text: "one" }, "b"),
  ...publish(ROOM, 2, { text: "two" }, "b"),
  ...publish(ROOM, 3, { text: "three" }, "b"),
];

const refused = (topic: string, code: string): readonly ServerScript["steps"][number][] => [
  ...hello(),
  ...request({ type: "subscribe", id: 1, topic, credit: CREDIT }, { type: "error", code }),
  ...nothing(),
];

/** Scripts for `subscribe`, publications, `unsubscribe` and volatile topics. */
export const SUBSCRIPTION_SCRIPTS: readonly ServerScript[] = [
  {
    name: "sends the publications of a topic, each as its number and data",
    steps: [
      ...hello(),
      ...request(
        { type: "subscribe", id: 1, topic: ROOM, credit: CREDIT },
        {
          type: "subscribed",
          topic: ROOM,
          number: "<number1>",
          position: "<string>",
          recovered: false,
          isVolatile: "<absent>",
        },
      ),
      ...hello("b", "bob", "<session2>"),
      ...publish(ROOM, 1, { text: "one" }, "b"),
      expect(inRoom("one", "bob", "number1")),
      ...publish(ROOM, 2, { text: "two" }, "b"),
      expect(inRoom("two", "bob", "number1")),
    ],
  },
  {
    name: "gives a topic the same number on each connection",
    steps: [
      ...hello(),
      ...subscribe("rooms/other-<run>"),
      ...subscribe(ROOM, { id: 2, number: "mine" }),
      ...hello("b", "bob", "<session2>"),
      ...subscribe(ROOM, { on: "b", number: "mine" }),
    ],
  },
  {
    name: "sends its own publications to a client too",
    steps: [
      ...hello(),
      ...subscribe(ROOM),
      send({ type: "publish", id: 2, topic: ROOM, number: 1, data: { text: "one" } }),
      {
        expectAll: [{ frame: inRoom("one") }, { frame: { type: "result", id: 2 } }],
      },
    ],
  },
  {
    name: "starts after the position since, and says that it recovered",
    steps: [
      ...threeMessages,
      ...hello(),
      ...request(
        { type: "subscribe", id: 1, topic: ROOM, credit: CREDIT, since: "<position1>" },
        { type: "subscribed", number: "<number1>", position: "<position1>", recovered: true },
      ),
      expect(inRoom("two", "ann", "number1")),
      expect(inRoom("three", "ann", "number1")),
      ...publish(ROOM, 4, { text: "four" }, "b"),
      expect(inRoom("four", "ann", "number1")),
    ],
  },
  {
    name: "starts with the last publications",
    steps: [
      ...threeMessages,
      ...hello(),
      ...request(
        { type: "subscribe", id: 1, topic: ROOM, credit: CREDIT, last: 2 },
        { type: "subscribed", number: "<number1>", position: "<position1>", recovered: false },
      ),
      expect(inRoom("two", "ann", "number1")),
      expect(inRoom("three", "ann", "number1")),
    ],
  },
  {
    name: "starts at the end without since and last, at the position of the last publication",
    steps: [
      ...threeMessages,
      ...hello(),
      ...request(
        { type: "subscribe", id: 1, topic: ROOM, credit: CREDIT },
        { type: "subscribed", number: "<number1>", position: "<position3>", recovered: false },
      ),
      ...publish(ROOM, 4, { text: "four" }, "b"),
      expect(inRoom("four", "ann", "number1")),
    ],
  },
  {
    name: "says position-ahead if the topic has not reached the position yet",
    steps: [
      ...hello(),
      ...publish(ROOM, 1, { text: "one" }),
      ...subscribe(ROOM),
      send({ type: "unsubscribe", topic: ROOM }),
      ...request(
        { type: "subscribe", id: 2, topic: ROOM, credit: CREDIT, since: "<position1>00" },
        {
          type: "subscribed",
          position: "<position1>",
          recovered: false,
          reason: "position-ahead",
        },
      ),
    ],
  },
  {
    name: "says missing if the history does not reach back to the position",
    steps: [
      ...hello(),
      ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10].flatMap((number) =>
        publish("short/<run>", number, { "<repeat>": ["x", 200_000] }),
      ),
      ...request(
        {
          type: "subscribe",
          id: 1,
          topic: "short/<run>",
          credit: CREDIT,
          since: "<position1>",
        },
        { type: "subscribed", position: "<position10>", recovered: false, reason: "missing" },
      ),
    ],
  },
  {
    name: "answers a subscribe that is withdrawn before its answer, and accepts another one",
    steps: [
      ...hello(),
      send({ type: "subscribe", id: 1, topic: ROOM, credit: CREDIT }),
      send({ type: "unsubscribe", topic: ROOM }),
      send({ type: "subscribe", id: 2, topic: ROOM, credit: CREDIT }),
      {
        expectAll: [{ frame: { id: 1 } }, { frame: { type: "subscribed", id: 2 } }],
      },
      ...nothing(),
    ],
  },
  ...[
    { since: "lost:1", reason: "epoch-changed" },
    { since: "?", reason: "invalid-position" },
  ].map(({ since, reason }) => ({
    name: `says ${reason} if it cannot start after the position "${since}"`,
    steps: [
      ...threeMessages,
      ...hello(),
      ...request(
        { type: "subscribe", id: 1, topic: ROOM, credit: CREDIT, since },
        { type: "subscribed", position: "<position3>", recovered: false, reason },
      ),
    ],
  })),
  {
    name: "refuses a topic that no pattern matches with UNKNOWN_TOPIC, and continues",
    steps: refused("nowhere/<run>", "UNKNOWN_TOPIC"),
  },
  {
    name: "refuses a topic without rules with FORBIDDEN, and continues",
    steps: refused("hidden/<run>", "FORBIDDEN"),
  },
  {
    name: "refuses a topic with FORBIDDEN if its rule denies, and continues",
    steps: refused("rooms/closed-<run>", "FORBIDDEN"),
  },
  {
    name: "refuses a topic with INTERNAL if its rule throws, and continues",
    steps: refused("rooms/broken-<run>", "INTERNAL"),
  },
  {
    name: "refuses a second subscription to a topic, and keeps the first",
    steps: [
      ...hello(),
      ...subscribe(ROOM),
      ...request(
        { type: "subscribe", id: 2, topic: ROOM, credit: CREDIT },
        { type: "error", code: "INVALID_REQUEST" },
      ),
      ...hello("b", "bob", "<session2>"),
      ...publish(ROOM, 1, { text: "one" }, "b"),
      expect(inRoom("one", "bob")),
    ],
  },
  {
    name: "sends nothing after unsubscribe, and accepts another subscription",
    steps: [
      ...hello(),
      ...subscribe(ROOM),
      send({ type: "unsubscribe", topic: ROOM }),
      ...nothing(),
      ...hello("b", "bob", "<session2>"),
      ...publish(ROOM, 1, { text: "one" }, "b"),
      ...nothing(),
      ...subscribe(ROOM, { id: 2, number: "again" }),
      ...publish(ROOM, 2, { text: "two" }, "b"),
      expect(inRoom("two", "bob", "again")),
    ],
  },
  {
    name: "ends the subscriptions that a rule denies later, and no others",
    steps: [
      ...hello(),
      ...subscribe(ROOM),
      ...subscribe("rooms/other-<run>", { id: 2, number: "other" }),
      ...hello("b", "bob", "<session2>"),
      ...request(
        { type: "call", id: 1, name: "revoke", input: { topic: ROOM } },
        { type: "result" },
        "b",
      ),
      expect({ type: "unsubscribed", topic: ROOM, code: "FORBIDDEN" }),
      ...publish("rooms/other-<run>", 1, { text: "one" }, "b"),
      expect(inRoom("one", "bob", "other")),
    ],
  },
  {
    name: "sends bytes as a binary message",
    steps: [
      ...hello(),
      ...subscribe("files/<run>"),
      ...hello("b", "bob", "<session2>"),
      {
        send: { type: "publish", id: 2, topic: "files/<run>", number: 1 },
        bytes: "000a7bff",
        on: "b",
      },
      expect({ type: "result", id: 2, isDuplicate: false }, "b"),
      { expect: ["<number>"], bytes: "000a7bff" },
    ],
  },
  {
    name: "sends the messages of a volatile topic to its subscribers, without positions",
    steps: [
      ...hello(),
      ...request(
        { type: "subscribe", id: 1, topic: "moves/<run>", credit: CREDIT },
        {
          type: "subscribed",
          number: "<number1>",
          isVolatile: true,
          position: "<absent>",
        },
      ),
      ...hello("b", "bob", "<session2>"),
      ...request(
        { type: "publish", id: 2, topic: "moves/<run>", number: 1, data: { x: 1 } },
        { type: "result", position: "<absent>", isDuplicate: false },
        "b",
      ),
      expect(["<number1>", { x: 1 }]),
    ],
  },
];
