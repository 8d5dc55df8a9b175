import type { ServerScript } from "../script.ts";
import { CREDIT, expect, type Frame, hello, nothing, request, send, subscribe } from "./parts.ts";

const ROOM = "rooms/<run>";

/** A topic on a broker that answers every request with an error. */
const DOWN = "down/<run>";

const UNAVAILABLE = { type: "error", code: "UNAVAILABLE" };

const failed = (frame: Frame, error: Frame): ServerScript["steps"] => [
  ...hello(),
  ...request({ id: 1, topic: DOWN, ...frame }, { ...UNAVAILABLE, ...error }),
  ...nothing(),
];

const publish = (id: number, fields: Frame): Frame => ({
  type: "publish",
  id,
  number: id,
  ...fields,
});

const STORED = { type: "result", position: "<string>", isDuplicate: false };

/** A publish that the rule denies: its error waits for `seen`. */
const denied = (id: number): ServerScript["steps"] =>
  request(publish(id, { topic: ROOM, data: { text: "forbidden" } }), {
    type: "error",
    code: "FORBIDDEN",
    mayBeStored: false,
  });

const seen = (id: number): ServerScript["steps"][number] => send({ type: "seen", id });

/** Scripts for a broker that fails, and for `seen`. */
export const FAILURE_SCRIPTS: readonly ServerScript[] = [
  {
    name: "answers a publish with UNAVAILABLE if its broker fails: it may be stored",
    steps: failed(
      { type: "publish", number: 1, data: 1 },
      { mayBeStored: true, retryAfterMs: "<number>" },
    ),
  },
  {
    name: "answers a subscribe with UNAVAILABLE if the broker fails, and accepts another one",
    steps: [
      ...failed({ type: "subscribe", credit: CREDIT }, { retryAfterMs: "<number>" }),
      ...request({ type: "subscribe", id: 2, topic: DOWN, credit: CREDIT }, UNAVAILABLE),
      ...subscribe(ROOM, { id: 3 }),
    ],
  },
  {
    name: "answers a history with UNAVAILABLE if the broker fails",
    steps: failed({ type: "history", limit: 1 }, { retryAfterMs: "<number>" }),
  },
  {
    name: "answers a watch with UNAVAILABLE if the broker fails",
    steps: failed({ type: "watch" }, { retryAfterMs: "<number>" }),
  },
  {
    name: "answers an enter with UNAVAILABLE if the broker fails",
    steps: failed({ type: "enter" }, { retryAfterMs: "<number>" }),
  },
  {
    name: "fails the publishes that wait behind one with UNAVAILABLE, which are not stored",
    steps: [
      ...hello(),
      ...[1, 2, 3].map((id) => send(publish(id, { topic: DOWN, data: id }))),
      expect({ ...UNAVAILABLE, id: 1, mayBeStored: true }),
      expect({ ...UNAVAILABLE, id: 2, mayBeStored: false }),
      expect({ ...UNAVAILABLE, id: 3, mayBeStored: false }),
      ...nothing(),
    ],
  },
  {
    name: "starts no publish after an error until the client has seen it, in any stored topic",
    steps: [
      ...hello(),
      ...denied(1),
      send(publish(2, { topic: ROOM, data: { text: "two" } })),
      send(publish(3, { topic: "short/<run>", data: 3 })),
      ...nothing(),
      seen(1),
      { expectAll: [2, 3].map((id) => ({ frame: { ...STORED, id } })) },
      ...nothing(),
    ],
  },
  {
    name: "ignores seen for another request, and still answers other requests",
    steps: [
      ...hello(),
      seen(1),
      ...denied(1),
      seen(2),
      send(publish(2, { topic: ROOM, data: { text: "two" } })),
      ...request({ type: "call", id: 3, name: "echo", input: 1 }, { type: "result", output: 1 }),
      ...request(publish(4, { topic: "moves/<run>", data: 4 }), {
        type: "result",
        isDuplicate: false,
      }),
      seen(1),
      expect({ ...STORED, id: 2 }),
    ],
  },
  {
    name: "stores nothing that waits for seen when the connection is lost, so that it stays behind the failed publish",
    steps: [
      ...hello(),
      ...denied(1),
      send(publish(2, { topic: ROOM, data: { text: "two" } })),
      ...nothing(),
      { drop: true },
      ...hello("b", "ann", "<session>", 2),
      ...request(
        publish(1, { topic: ROOM, data: { text: "one" } }),
        { ...STORED, position: "<first>" },
        "b",
      ),
      ...request(
        publish(2, { topic: ROOM, data: { text: "two" } }),
        { ...STORED, position: { "<unlike>": "<first>" } },
        "b",
      ),
    ],
  },
  {
    name: "closes with 1002 for a seen without an id",
    steps: [...hello(), send({ type: "seen" }), { expectClose: 1002 }],
  },
];
