import type { ServerScript } from "../script.ts";
import { CREDIT, expect, type Frame, hello, nothing, request, send } from "./parts.ts";

const stream = (id: number, name: string, fields: Frame = {}): Frame => ({
  type: "stream",
  id,
  name,
  credit: CREDIT,
  ...fields,
});

const items = (id: number, ...data: readonly number[]): ServerScript["steps"] =>
  data.map((item) => expect({ type: "item", id, data: item, itemId: "<absent>" }));

const line = (number: number, on = "a"): ServerScript["steps"][number] =>
  expect({ type: "item", id: 1, data: { line: number }, itemId: `line-${number}` }, on);

const failed = (frame: Frame, error: Frame): ServerScript["steps"] => [
  ...hello(),
  ...request(frame, { type: "error", ...error }),
  ...nothing(),
];

/** Scripts for `stream`. */
export const STREAM_SCRIPTS: readonly ServerScript[] = [
  {
    name: "sends the items of a stream in order, and its end",
    steps: [
      ...hello(),
      send(stream(1, "count", { input: { to: 3 } })),
      ...items(1, 1, 2, 3),
      expect({ type: "end", id: 1 }),
    ],
  },
  {
    name: "sends the end of a stream without items",
    steps: [...hello(), ...request(stream(1, "count", { input: { to: 0 } }), { type: "end" })],
  },
  {
    name: "sends items while there is credit, and continues with more",
    steps: [
      ...hello(),
      send(stream(1, "count", { input: { to: 3 }, credit: 1 })),
      ...items(1, 1),
      ...nothing(),
      send({ type: "credit", stream: 1, bytes: 40 }),
      ...items(1, 2),
      ...nothing(),
      send({ type: "credit", stream: 1, bytes: 1_000 }),
      ...items(1, 3),
      expect({ type: "end", id: 1 }),
    ],
  },
  {
    name: "sends nothing of a stream without credit",
    steps: [
      ...hello(),
      send(stream(1, "count", { input: { to: 1 }, credit: 0 })),
      ...nothing(),
      send({ type: "credit", stream: 1, bytes: 100 }),
      ...items(1, 1),
      expect({ type: "end", id: 1 }),
    ],
  },
  {
    name: "ends a stream at its source when the client cancels it",
    steps: [
      ...hello(),
      send(stream(1, "count", { input: { to: 1_000_000, token: "<run>" }, credit: 1 })),
      ...items(1, 1),
      send({ type: "cancel", id: 1 }),
      ...request(
        { type: "call", id: 2, name: "whenAborted", input: { token: "<run>" } },
        { type: "result" },
      ),
      send({ type: "credit", stream: 1, bytes: 100 }),
      ...nothing(),
    ],
  },
  {
    name: "ends a stream at its source when the client has gone",
    steps: [
      ...hello(),
      send(stream(1, "count", { input: { to: 1_000_000, token: "<run>" }, credit: 1 })),
      ...items(1, 1),
      { drop: true },
      ...hello("b", "ann", "<session>", 2),
      ...request(
        { type: "call", id: 2, name: "whenAborted", input: { token: "<run>" } },
        { type: "result" },
        "b",
      ),
    ],
  },
  {
    name: "sends the ids of the items of a resumable stream",
    steps: [
      ...hello(),
      send(stream(1, "lines", { input: { to: 2 } })),
      line(1),
      line(2),
      expect({ type: "end", id: 1 }),
    ],
  },
  {
    name: "continues a resumable stream after lastId, on another connection",
    steps: [
      ...hello(),
      send(stream(1, "lines", { input: { to: 4 }, credit: 1 })),
      line(1),
      { drop: true },
      ...hello("b", "ann", "<session>", 2),
      send(stream(1, "lines", { input: { to: 4 }, lastId: "line-1" }), "b"),
      ...[2, 3, 4].map((number) => line(number, "b")),
      expect({ type: "end", id: 1 }, "b"),
    ],
  },
  {
    name: "answers lastId for a stream that is not resumable with INVALID_REQUEST",
    steps: failed(stream(1, "count", { input: { to: 1 }, lastId: "x" }), {
      code: "INVALID_REQUEST",
    }),
  },
  {
    name: "ends a stream with an error that the contract declares, after its items",
    steps: [
      ...hello(),
      send(stream(1, "stopped")),
      ...items(1, 1),
      expect({ type: "error", id: 1, code: "stopped", data: { after: 1 } }),
    ],
  },
  {
    name: "ends a stream with INTERNAL if its handler throws, after its items",
    steps: [
      ...hello(),
      send(stream(1, "broken")),
      ...items(1, 1),
      expect({
        type: "error",
        id: 1,
        code: "INTERNAL",
        message: { "<matches>": "^(?!.*is broken)" },
      }),
      ...nothing(),
    ],
  },
  {
    name: "answers input of a stream that does not match the schema with INVALID_DATA",
    steps: failed(stream(1, "count", { input: { to: "x" } }), { code: "INVALID_DATA" }),
  },
  {
    name: "answers a stream of an unknown name with UNKNOWN_CALL",
    steps: failed(stream(1, "later"), { code: "UNKNOWN_CALL" }),
  },
  {
    name: "answers a stream of a call with UNKNOWN_CALL",
    steps: failed(stream(1, "echo"), { code: "UNKNOWN_CALL" }),
  },
  {
    name: "sends items of bytes as binary messages",
    steps: [
      ...hello(),
      send(stream(1, "chunks")),
      { expect: { type: "item", id: 1 }, bytes: "0a" },
      { expect: { type: "item", id: 1 }, bytes: "0b0c" },
      expect({ type: "end", id: 1 }),
    ],
  },
];
