import type { ClientScript, ClientStep } from "../script.ts";
import { error, expect, type Frame, nothing, open, reconnect, run, send, value } from "./parts.ts";

const ROOM = "rooms/1";

const publish = (as: string, text = as, options: Frame = {}): ClientStep =>
  run(as, "publish", ROOM, { text }, options);

/** Expects a publish. Stores its id in the variable `id<n>`, and its number in `number<n>`. */
const published = (n: number, text: string, on = "a"): ClientStep =>
  expect(
    {
      type: "publish",
      id: on === "a" ? `<id${n}>` : `<idAgain${n}>`,
      topic: ROOM,
      number: `<number${n}>`,
      key: "<absent>",
      data: { text },
    },
    on,
  );

const stored = (n: number, on = "a"): ClientStep =>
  send(
    {
      type: "result",
      id: on === "a" ? `<id${n}>` : `<idAgain${n}>`,
      position: `e:${n}`,
      isDuplicate: on !== "a",
    },
    on,
  );

/** Scripts for `publish`. */
export const PUBLISH_SCRIPTS: readonly ClientScript[] = [
  {
    name: "publishes, and resolves with the position",
    steps: [
      ...open(),
      publish("p"),
      published(1, "p"),
      stored(1),
      value("p", { position: "e:1", isDuplicate: false }),
    ],
  },
  {
    name: "publishes once it is welcome, if the application asked before, in order",
    steps: [publish("p"), publish("q"), ...open(), published(1, "p"), published(2, "q")],
  },
  {
    name: "gives each publish another number",
    steps: [
      ...open(),
      publish("p"),
      published(1, "p"),
      publish("q"),
      expect({ type: "publish", number: { "<unlike>": "<number1>" } }),
    ],
  },
  {
    name: "sends publishes without an answer again after a reconnect, with their numbers, in order, before new ones",
    steps: [
      ...open(),
      publish("p"),
      publish("q"),
      published(1, "p"),
      published(2, "q"),
      { drop: true },
      publish("r"),
      ...reconnectAgain(),
      published(1, "p", "b"),
      published(2, "q", "b"),
      published(3, "r", "b"),
      stored(1, "b"),
      stored(2, "b"),
      stored(3, "b"),
      value("p", { position: "e:1", isDuplicate: true }),
      value("q", { position: "e:2", isDuplicate: true }),
      value("r", { position: "e:3" }),
    ],
  },
  {
    name: "sends an answered publish not again",
    steps: [
      ...open(),
      publish("p"),
      published(1, "p"),
      stored(1),
      value("p", { position: "e:1" }),
      ...reconnect(),
      ...nothing("b"),
    ],
  },
  {
    name: "sends the id of the application as key instead of a number, after a reconnect too",
    steps: [
      ...open(),
      publish("p", "one", { id: "order-17" }),
      expect({ type: "publish", key: "order-17", number: "<absent>", data: { text: "one" } }),
      ...reconnect(),
      expect({ type: "publish", id: "<id1>", key: "order-17", data: { text: "one" } }, "b"),
      send({ type: "result", id: "<id1>", position: "e:1", isDuplicate: true }, "b"),
      value("p", { position: "e:1", isDuplicate: true }),
    ],
  },
  {
    name: "rejects with the error of the server, and continues",
    steps: [
      ...open(),
      publish("p"),
      published(1, "p"),
      send({
        type: "error",
        id: "<id1>",
        code: "INVALID_DATA",
        mayBeStored: false,
        issues: [{ message: "must be a text", path: ["text"] }],
      }),
      expect({ type: "seen", id: "<id1>" }),
      error("p", {
        code: "INVALID_DATA",
        mayBeStored: false,
        issues: [{ message: "must be a text", path: ["text"] }],
      }),
      ...nothing(),
    ],
  },
  {
    name: "rejects with mayBeStored and retryAfterMs of the server",
    steps: [
      ...open(),
      publish("p"),
      published(1, "p"),
      send({ type: "error", id: "<id1>", code: "UNAVAILABLE", mayBeStored: true, retryAfterMs: 9 }),
      expect({ type: "seen", id: "<id1>" }),
      error("p", { code: "UNAVAILABLE", mayBeStored: true, retryAfterMs: 9 }),
    ],
  },
  {
    name: "sends seen for the error of a publish that it does not wait for any more",
    steps: [
      ...open(),
      send({ type: "error", id: 900, code: "UNAVAILABLE", mayBeStored: true }),
      expect({ type: "seen", id: 900 }),
      ...nothing(),
    ],
  },
  {
    name: "sends no seen for the error of another request",
    steps: [
      ...open(),
      run("c", "call", "echo", 1),
      expect({ type: "call", id: "<call>" }),
      send({ type: "error", id: "<call>", code: "UNAVAILABLE", retryAfterMs: 9 }),
      error("c", { code: "UNAVAILABLE", retryAfterMs: 9 }),
      ...nothing(),
    ],
  },
  {
    name: "sends a publish again after a reconnect if its answer was lost, and reports that an error then may be wrong",
    steps: [
      ...open(),
      publish("p"),
      published(1, "p"),
      ...reconnect(),
      published(1, "p", "b"),
      send({ type: "error", id: "<idAgain1>", code: "FORBIDDEN", mayBeStored: false }, "b"),
      expect({ type: "seen", id: "<idAgain1>" }, "b"),
      error("p", { code: "FORBIDDEN", mayBeStored: true }),
    ],
  },
  {
    name: "holds back more publishes than maxPending",
    steps: [
      ...open({ maxPending: { publish: 1, call: 16 } }),
      publish("p"),
      publish("q"),
      published(1, "p"),
      ...nothing(),
      stored(1),
      published(2, "q"),
    ],
  },
  {
    name: "rejects with UNCONFIRMED when the id window is over, and does not send again",
    steps: [
      ...open({ idWindowMs: 0 }),
      publish("p"),
      published(1, "p"),
      { drop: true },
      error("p", { code: "UNCONFIRMED", mayBeStored: true }),
      ...reconnectAgain(),
      ...nothing("b"),
    ],
  },
  {
    name: "rejects a publish above maxMessageBytes of the server with TOO_BIG, and sends nothing",
    steps: [
      ...open({ maxMessageBytes: 1_000 }),
      publish("p", "x".repeat(1_000)),
      error("p", { code: "TOO_BIG", mayBeStored: false }),
      publish("q"),
      published(1, "q"),
      stored(1),
      value("q", { position: "e:1" }),
      ...nothing(),
    ],
  },
  {
    name: "rejects a publish that waited for the welcome with TOO_BIG, if it is above maxMessageBytes",
    steps: [
      publish("p", "x".repeat(1_000)),
      publish("q"),
      ...open({ maxMessageBytes: 1_000 }),
      error("p", { code: "TOO_BIG", mayBeStored: false }),
      published(1, "q"),
    ],
  },
  {
    name: "resolves a publish to a volatile topic without a position",
    steps: [
      ...open(),
      publish("p"),
      published(1, "p"),
      send({ type: "result", id: "<id1>", isDuplicate: false }),
      value("p", { position: "<absent>", isDuplicate: false }),
    ],
  },
  {
    name: "publishes bytes in a binary message",
    steps: [
      ...open(),
      run("p", "publish", "files/1", { "<bytes>": "0aff" }),
      { expect: { type: "publish", topic: "files/1", data: "<absent>" }, bytes: "0aff" },
    ],
  },
];

function reconnectAgain(): readonly ClientStep[] {
  return reconnect().slice(1);
}
