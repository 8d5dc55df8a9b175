import type { ServerScript } from "../script.ts";
import { expect, hello, inRoom, nothing, publish, send, subscribe } from "./parts.ts";

const ROOM = "rooms/<run>";
const OTHER = "rooms/other-<run>";

const renew = (bytes: number, topic = ROOM): ServerScript["steps"][number] =>
  send({ type: "credit", topic, bytes });

/** 1,000 characters, which are 2,000 bytes in UTF-8. */
const LONG = { "<repeat>": ["é", 1_000] };

/** A long publication. A server keeps few of them in memory. */
const HUGE = { "<repeat>": ["x", 200_000] };

const HUGE_NUMBERS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

/** Scripts for the credit of subscriptions, and for losses of slow ones. */
export const CREDIT_SCRIPTS: readonly ServerScript[] = [
  {
    name: "sends while there is credit, also a publication that is longer than the rest of it",
    steps: [
      ...hello(),
      ...subscribe(ROOM, { credit: 1 }),
      ...hello("b", "bob", "<session2>"),
      ...publish(ROOM, 1, { text: "one" }, "b"),
      expect(inRoom("one", "bob")),
      ...publish(ROOM, 2, { text: "two" }, "b"),
      ...nothing(),
      renew(200),
      expect(inRoom("two", "bob")),
      ...nothing(),
    ],
  },
  {
    name: "sends nothing to a subscription that starts without credit",
    steps: [
      ...hello(),
      ...subscribe(ROOM, { credit: 0 }),
      ...hello("b", "bob", "<session2>"),
      ...publish(ROOM, 1, { text: "one" }, "b"),
      ...nothing(),
      renew(1),
      expect(inRoom("one", "bob")),
    ],
  },
  {
    name: "accepts the largest credit, and more",
    steps: [
      ...hello(),
      ...subscribe(ROOM, { credit: Number.MAX_SAFE_INTEGER }),
      renew(Number.MAX_SAFE_INTEGER),
      ...hello("b", "bob", "<session2>"),
      ...publish(ROOM, 1, { text: "one" }, "b"),
      expect(inRoom("one", "bob")),
    ],
  },
  {
    name: "counts credit in bytes of UTF-8, with the whole message",
    steps: [
      ...hello(),
      ...subscribe(ROOM, { credit: 1 }),
      ...hello("b", "bob", "<session2>"),
      ...publish(ROOM, 1, { text: LONG }, "b"),
      expect(inRoom(LONG, "bob")),
      ...publish(ROOM, 2, { text: "two" }, "b"),
      renew(2_000),
      ...nothing(),
      renew(100),
      expect(inRoom("two", "bob")),
    ],
  },
  {
    name: "stops only the topic without credit",
    steps: [
      ...hello(),
      ...subscribe(ROOM, { credit: 0 }),
      ...subscribe(OTHER, { id: 2, number: "other" }),
      ...hello("b", "bob", "<session2>"),
      ...publish(ROOM, 1, { text: "slow" }, "b"),
      ...publish(OTHER, 2, { text: "fast" }, "b"),
      expect(inRoom("fast", "bob", "other")),
      ...nothing(),
      renew(100),
      expect(inRoom("slow", "bob")),
    ],
  },
  {
    name: "continues a topic in order after a pause without credit",
    steps: [
      ...hello(),
      ...subscribe(ROOM, { credit: 0 }),
      ...hello("b", "bob", "<session2>"),
      ...[1, 2, 3, 4, 5].flatMap((number) => publish(ROOM, number, { text: `${number}` }, "b")),
      renew(10_000),
      ...[1, 2, 3, 4, 5].map((number) => expect(inRoom(`${number}`, "bob"))),
    ],
  },
  {
    name: "tells a loss during a pause, if the history is too short, and continues at the end of the topic",
    steps: [
      ...hello(),
      ...subscribe("short/<run>", { credit: 0 }),
      ...hello("b", "bob", "<session2>"),
      ...HUGE_NUMBERS.flatMap((number) => publish("short/<run>", number, HUGE, "b")),
      renew(10_000, "short/<run>"),
      expect({
        type: "lost",
        topic: "short/<run>",
        position: "<position10>",
        reason: "missing",
      }),
      ...publish("short/<run>", 11, 11, "b"),
      expect(["<number>", 11]),
    ],
  },
  {
    name: "keeps the latest message of each sender of a volatile topic during a pause",
    steps: [
      ...hello(),
      ...subscribe("moves/<run>", { credit: 0 }),
      ...hello("b", "bob", "<session2>"),
      ...[1, 2, 3].flatMap((number) => [
        send({ type: "publish", id: number, topic: "moves/<run>", number, data: number }, "b"),
        expect({ type: "result", id: number }, "b"),
      ]),
      ...nothing(),
      renew(100, "moves/<run>"),
      expect(["<number>", 3]),
      ...nothing(),
    ],
  },
];
