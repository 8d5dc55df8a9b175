import type { ClientScript, ClientStep } from "../script.ts";
import {
  AT_END,
  error,
  expect,
  fails,
  type Frame,
  item,
  nothing,
  open,
  reconnect,
  run,
  send,
  subscribe,
  value,
} from "./parts.ts";

const ROOM = "rooms/1";

const subscribed = (fields: Frame, on = "a"): readonly ClientStep[] => [
  expect({ type: "subscribe", id: "<again>", topic: ROOM, credit: "<number>", ...fields }, on),
];

/** Expects a subscribe with these fields for these options of `messages`. */
const starts = (options: Frame, fields: Frame): ClientScript["steps"] => [
  ...open(),
  run("m", "messages", ROOM, options),
  { next: "m", as: "first" },
  ...subscribed({ since: "<absent>", last: "<absent>", ...fields }),
  send({
    type: "subscribed",
    id: "<again>",
    topic: ROOM,
    ...AT_END,
    position: "e:1",
    recovered: true,
    reason: "<absent>",
  }),
  send([5, "one"]),
  value("first", { done: false, value: { data: "one", position: "e:2" } }),
];

/** Subscribed on connection `a`, with two messages. The first is taken. */
const twoMessages = [
  ...open(),
  ...subscribe("m", ROOM, AT_END),
  send([5, { text: "one" }]),
  value("first", { done: false, value: { data: { text: "one" }, position: "e:4" } }),
  send([5, { text: "two" }]),
];

const two = item("m", { data: { text: "two" }, position: "e:5" });

/** Scripts for `subscribe`, publications, losses and `unsubscribe`. */
export const SUBSCRIPTION_SCRIPTS: readonly ClientScript[] = [
  { name: "subscribes at the end of a topic", steps: starts({}, {}) },
  { name: "subscribes with the last messages", steps: starts({ last: 20 }, { last: 20 }) },
  { name: "subscribes after a position", steps: starts({ since: "e:1" }, { since: "e:1" }) },
  {
    name: "counts the positions of publications",
    steps: [...twoMessages, ...two, send([5, null]), ...item("m", { data: null, position: "e:6" })],
  },
  {
    name: "subscribes once it is welcome, if the application asked before",
    steps: [run("m", "messages", ROOM), { next: "m", as: "first" }, ...open(), ...subscribed({})],
  },
  {
    name: "continues after the last publication that it has received, on another connection",
    steps: [
      ...twoMessages,
      ...nothing(),
      ...reconnect(),
      ...subscribed({ since: "e:5", last: "<absent>" }, "b"),
      send(
        {
          type: "subscribed",
          id: "<again>",
          topic: ROOM,
          number: 8,
          position: "e:5",
          recovered: true,
        },
        "b",
      ),
      send([5, { text: "of another topic" }], "b"),
      send([8, { text: "three" }], "b"),
      ...two,
      ...item("m", { data: { text: "three" }, position: "e:6" }),
    ],
  },
  {
    name: "continues a subscription that got its answer, but no publication, after the position of the answer",
    steps: [
      ...open(),
      ...subscribe("m", ROOM, AT_END),
      ...nothing(),
      ...reconnect(),
      ...subscribed({ since: "e:3" }, "b"),
    ],
  },
  {
    name: "tells a loss on another connection before later messages, and after earlier ones",
    steps: [
      ...twoMessages,
      ...nothing(),
      ...reconnect(),
      ...subscribed({ since: "e:5" }, "b"),
      send(
        {
          type: "subscribed",
          id: "<again>",
          topic: ROOM,
          number: 5,
          position: "f:9",
          recovered: false,
          reason: "epoch-changed",
        },
        "b",
      ),
      send([5, { text: "ten" }], "b"),
      ...two,
      ...item("m", { lost: { reason: "epoch-changed", position: "f:9" } }),
      ...item("m", { data: { text: "ten" }, position: "f:10" }),
    ],
  },
  {
    name: "tells a loss if it cannot start after since",
    steps: [
      ...open(),
      run("m", "messages", ROOM, { since: "old:1" }),
      { next: "m", as: "first" },
      ...subscribed({ since: "old:1" }),
      send({ type: "subscribed", id: "<again>", topic: ROOM, ...AT_END, reason: "epoch-changed" }),
      value("first", {
        done: false,
        value: { lost: { reason: "epoch-changed", position: "e:3" } },
      }),
    ],
  },
  {
    name: "tells a loss of a slow subscription, and continues after its position",
    steps: [
      ...twoMessages,
      send({ type: "lost", topic: ROOM, position: "e:40", reason: "missing" }),
      send([5, { text: "41" }]),
      ...two,
      ...item("m", { lost: { reason: "missing", position: "e:40" } }),
      ...item("m", { data: { text: "41" }, position: "e:41" }),
    ],
  },
  {
    name: "fails with the error of a refused subscribe",
    steps: [
      ...open(),
      run("m", "messages", ROOM),
      { next: "m", as: "first" },
      ...subscribed({}),
      send({ type: "error", id: "<again>", code: "FORBIDDEN", message: "no" }),
      error("first", { code: "FORBIDDEN" }),
      ...nothing(),
    ],
  },
  {
    name: "subscribes again after a temporary error",
    steps: [
      ...open(),
      run("m", "messages", ROOM),
      { next: "m", as: "first" },
      ...subscribed({}),
      send({ type: "error", id: "<again>", code: "UNAVAILABLE", retryAfterMs: 1 }),
      expect({ type: "subscribe", id: "<later>", topic: ROOM }),
      send({ type: "subscribed", id: "<later>", topic: ROOM, ...AT_END }),
      send([5, 1]),
      value("first", { done: false, value: { data: 1, position: "e:4" } }),
    ],
  },
  {
    name: "fails after the messages that have arrived, when the server ends the subscription",
    steps: [
      ...twoMessages,
      send({ type: "unsubscribed", topic: ROOM, code: "FORBIDDEN" }),
      send([5, { text: "three" }]),
      ...nothing(),
      ...two,
      ...fails("m", { code: "FORBIDDEN" }),
    ],
  },
  {
    name: "does not subscribe again on another connection, after the server has ended the subscription",
    steps: [
      ...twoMessages,
      send({ type: "unsubscribed", topic: ROOM, code: "FORBIDDEN" }),
      ...nothing(),
      ...reconnect(),
      ...nothing("b"),
    ],
  },
  {
    name: "shares one subscription between all readers of a topic, and unsubscribes after the last one",
    steps: [
      ...open(),
      run("other", "messages", ROOM),
      { next: "other", as: "firstOfOther" },
      ...subscribe("m", ROOM, AT_END),
      send([5, 1]),
      value("first", { done: false, value: { data: 1, position: "e:4" } }),
      value("firstOfOther", { done: false, value: { data: 1, position: "e:4" } }),
      ...nothing(),
      { end: "other" },
      send([5, 2]),
      ...item("m", { data: 2, position: "e:5" }),
      ...nothing(),
      { end: "m" },
      expect({ type: "unsubscribe", topic: ROOM }),
      send([5, 3]),
      ...nothing(),
    ],
  },
  {
    name: "keeps what a slow reader has not taken, while another one takes everything",
    steps: [
      ...open(),
      run("slow", "messages", ROOM),
      { next: "slow", as: "firstOfSlow" },
      ...subscribe("m", ROOM, AT_END),
      ...[1, 2, 3].map((data) => send([5, data])),
      value("first", { done: false, value: { data: 1 } }),
      ...item("m", { data: 2 }),
      ...item("m", { data: 3 }),
      value("firstOfSlow", { done: false, value: { data: 1 } }),
      ...item("slow", { data: 2 }),
      ...item("slow", { data: 3 }),
    ],
  },
  {
    name: "does not subscribe again on another connection, after the last reader has ended",
    steps: [
      ...twoMessages,
      { end: "m" },
      expect({ type: "unsubscribe", topic: ROOM }),
      ...nothing(),
      ...reconnect(),
      ...nothing("b"),
    ],
  },
  {
    name: "gives messages of a volatile topic without positions, and subscribes to it again without since",
    steps: [
      ...open(),
      ...subscribe("m", "moves/1", { number: 5, isVolatile: true }),
      send([5, { x: 1 }]),
      value("first", { done: false, value: { data: { x: 1 }, position: "<absent>" } }),
      ...nothing(),
      ...reconnect(),
      expect({ type: "subscribe", topic: "moves/1", since: "<absent>" }, "b"),
    ],
  },
  {
    name: "gives bytes of a binary publication, which may contain line feeds",
    steps: [
      ...open(),
      ...subscribe("m", "files/1", AT_END),
      { send: [5], bytes: "0a000a" },
      value("first", { done: false, value: { data: { "<bytes>": "0a000a" }, position: "e:4" } }),
      { send: [5], bytes: "" },
      ...item("m", { data: { "<bytes>": "" }, position: "e:5" }),
    ],
  },
];

/** 300 bytes of data: with the number and the quotes, a publication of 306 bytes. */
const LONG = { "<repeat>": ["é", 150] };

/** Scripts for the credit of subscriptions. */
export const CREDIT_SCRIPTS: readonly ClientScript[] = [
  {
    name: "gives each subscription the credit of the client",
    options: { creditBytes: 600 },
    steps: [
      ...open(),
      run("m", "messages", ROOM),
      { next: "m", as: "first" },
      ...subscribed({ credit: 600 }),
    ],
  },
  {
    name: "renews the credit when the application has taken messages, by as many bytes, and not before",
    options: { creditBytes: 600 },
    steps: [
      ...open(),
      ...subscribe("m", ROOM, AT_END),
      send([5, LONG]),
      value("first", { done: false, value: { data: LONG } }),
      expect({ type: "credit", topic: ROOM, bytes: 306 }),
      send([5, LONG]),
      send([5, LONG]),
      ...nothing(),
      ...item("m", { data: LONG }),
      expect({ type: "credit", topic: ROOM, bytes: 306 }),
      ...item("m", { data: LONG }),
      expect({ type: "credit", topic: ROOM, bytes: 306 }),
      ...nothing(),
    ],
  },
  {
    name: "renews the credit at the pace of the slowest reader",
    options: { creditBytes: 600 },
    steps: [
      ...open(),
      run("slow", "messages", ROOM),
      { next: "slow", as: "firstOfSlow" },
      ...subscribe("m", ROOM, AT_END),
      send([5, 1]),
      value("first", { done: false, value: { data: 1 } }),
      value("firstOfSlow", { done: false, value: { data: 1 } }),
      send([5, LONG]),
      ...item("m", { data: LONG }),
      ...nothing(),
      ...item("slow", { data: LONG }),
      expect({ type: "credit", topic: ROOM, bytes: "<number>" }),
    ],
  },
];
