import type { ScriptValue, ServerScript } from "../script.ts";
import { expect, type Frame, hello, nothing, request, send } from "./parts.ts";

const INVALID = { type: "error", code: "INVALID_REQUEST" };

const ECHO = { type: "call", id: 99, name: "echo", input: "still here" };

/** Another request on the same connection works. */
const stillHere = request(ECHO, { type: "result", output: "still here" });

/** Requests with a field that is missing or has the wrong type. */
const INVALID_REQUESTS: Readonly<Record<string, Frame>> = {
  "a subscribe without a topic": { type: "subscribe", credit: 1 },
  "a subscribe without credit": { type: "subscribe", topic: "rooms/<run>" },
  "a subscribe with a negative credit": { type: "subscribe", topic: "rooms/<run>", credit: -1 },
  "a subscribe with a number as since": {
    type: "subscribe",
    topic: "rooms/<run>",
    credit: 1,
    since: 1,
  },
  "a subscribe with a text as last": {
    type: "subscribe",
    topic: "rooms/<run>",
    credit: 1,
    last: "1",
  },
  "a publish without a number and a key": { type: "publish", topic: "rooms/<run>", data: {} },
  "a publish with a number and a key": {
    type: "publish",
    topic: "rooms/<run>",
    number: 1,
    key: "<run>",
    data: {},
  },
  "a publish with a number and null as key": {
    type: "publish",
    topic: "rooms/<run>",
    number: 1,
    key: null,
    data: {},
  },
  "a publish with the number 0": { type: "publish", topic: "rooms/<run>", number: 0, data: {} },
  "a publish with an empty key": { type: "publish", topic: "rooms/<run>", key: "", data: {} },
  "a publish with a key of 125 characters": {
    type: "publish",
    topic: "rooms/<run>",
    key: { "<repeat>": ["k", 125] },
    data: {},
  },
  "a watch without a topic": { type: "watch" },
  "an enter without a topic": { type: "enter" },
  "an enter with a text as replaces": { type: "enter", topic: "rooms/<run>", replaces: "1" },
  "a leave without a topic": { type: "leave" },
  "a history without a limit": { type: "history", topic: "rooms/<run>" },
  "a history with a fraction as limit": { type: "history", topic: "rooms/<run>", limit: 1.5 },
  "a history with before and after": {
    type: "history",
    topic: "rooms/<run>",
    limit: 1,
    before: "a:1",
    after: "a:1",
  },
  "a call without a name": { type: "call" },
  "a call with the number 0": { type: "call", name: "place", number: 0 },
  "a stream without credit": { type: "stream", name: "count", input: { to: 1 } },
  "a stream with an empty lastId": { type: "stream", name: "lines", credit: 1, lastId: "" },
};

/** Messages after which no frame can be trusted. */
const BROKEN: Readonly<Record<string, { readonly frame: ScriptValue; readonly code: number }>> = {
  null: { frame: null, code: 1002 },
  "a number": { frame: 1, code: 1002 },
  "a text": { frame: "ping", code: 1002 },
  "an array": { frame: [0, "data"], code: 1002 },
  "an object without a type": { frame: { id: 1 }, code: 1002 },
  "an object with a number as type": { frame: { type: 1 }, code: 1002 },
  "a request without an id": { frame: { type: "call", name: "echo" }, code: 1002 },
  "a request with the id 0": { frame: { type: "call", id: 0, name: "echo" }, code: 1002 },
  "a request with a fraction as id": { frame: { type: "call", id: 1.5, name: "echo" }, code: 1002 },
  "a request with a text as id": { frame: { type: "call", id: "1", name: "echo" }, code: 1002 },
  "an unsubscribe without a topic": { frame: { type: "unsubscribe" }, code: 1002 },
  "an unwatch without a topic": { frame: { type: "unwatch" }, code: 1002 },
  "a credit without a topic and a stream": { frame: { type: "credit", bytes: 1 }, code: 1002 },
  "a credit with negative bytes": {
    frame: { type: "credit", topic: "rooms/<run>", bytes: -1 },
    code: 1002,
  },
};

/** Scripts for frames of any type: their form, unknown types and fields, ids, and pings. */
export const FRAME_SCRIPTS: readonly ServerScript[] = [
  { name: "answers a ping with a pong", steps: [...hello(), ...nothing()] },
  {
    name: "ignores frames of an unknown type, with and without an id",
    steps: [
      ...hello(),
      send({ type: "later", topic: 1 }),
      send({ type: "welcome", id: 0 }),
      ...nothing(),
    ],
  },
  {
    name: "ignores unknown fields",
    steps: [...hello(), ...request({ ...ECHO, later: true }, { type: "result" })],
  },
  ...Object.entries(BROKEN).map(([what, { frame, code }]) => ({
    name: `closes with ${code} for ${what}`,
    steps: [...hello(), { send: frame }, { expectClose: code }],
  })),
  ...Object.entries({ "no text at all": "", "text that is not JSON": "{" }).map(([what, text]) => ({
    name: `closes with 1007 for ${what}`,
    steps: [...hello(), { sendText: text }, { expectClose: 1007 }],
  })),
  {
    name: "closes with 1007 for a binary message without a line feed",
    steps: [...hello(), { sendBytes: "7b7d" }, { expectClose: 1007 }],
  },
  {
    name: "closes with 1007 for a binary message with a first line that is not JSON",
    steps: [...hello(), { sendBytes: "7b0a00" }, { expectClose: 1007 }],
  },
  ...Object.entries(INVALID_REQUESTS).map(([what, frame]) => ({
    name: `answers ${what} with INVALID_REQUEST, and continues`,
    steps: [
      ...hello(),
      ...request(
        { ...frame, id: 1 },
        { ...INVALID, mayBeStored: frame["type"] === "publish" ? false : "<absent>" },
      ),
      ...stillHere,
    ],
  })),
  {
    name: "answers a second request with the id of an open one with INVALID_REQUEST, and keeps the first",
    steps: [
      ...hello(),
      send({ type: "call", id: 1, name: "wait", input: { token: "<run>" } }),
      ...request({ type: "call", id: 1, name: "echo" }, INVALID),
      send({ type: "call", id: 2, name: "whenAborted", input: { token: "<run>" } }),
      ...nothing(),
      send({ type: "cancel", id: 1 }),
      expect({ type: "result", id: 2 }),
    ],
  },
  {
    name: "accepts the id of an answered request again",
    steps: [...hello(), ...stillHere, ...stillHere],
  },
  {
    name: "ignores credit, cancel, unsubscribe and unwatch for unknown topics and requests",
    steps: [
      ...hello(),
      send({ type: "credit", topic: "rooms/<run>", bytes: 1 }),
      send({ type: "credit", stream: 7, bytes: 1 }),
      send({ type: "cancel", id: 7 }),
      send({ type: "unsubscribe", topic: "rooms/<run>" }),
      send({ type: "unwatch", topic: "rooms/<run>" }),
      ...nothing(),
    ],
  },
];
