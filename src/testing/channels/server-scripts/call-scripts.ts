import type { ServerScript } from "../script.ts";
import { expect, type Frame, hello, nothing, request, send } from "./parts.ts";

const call = (id: number, name: string, fields: Frame = {}): Frame => ({
  type: "call",
  id,
  name,
  ...fields,
});

const failed = (frame: Frame, error: Frame): ServerScript["steps"] => [
  ...hello(),
  ...request(frame, { type: "error", ...error }),
  ...nothing(),
];

/** Scripts for `call`. */
export const CALL_SCRIPTS: readonly ServerScript[] = [
  {
    name: "answers a call with its output",
    steps: [
      ...hello(),
      ...request(call(1, "echo", { input: { a: [1, null] } }), {
        type: "result",
        output: { a: [1, null] },
      }),
    ],
  },
  {
    name: "answers a call without output with a result without output",
    steps: [...hello(), ...request(call(1, "nothing"), { type: "result", output: "<absent>" })],
  },
  {
    name: "answers calls when they settle, in any order",
    steps: [
      ...hello(),
      send(call(1, "whenAborted", { input: { token: "<run>" } })),
      send(call(2, "wait", { input: { token: "<run>" } })),
      ...request(call(3, "echo", { input: 3 }), { type: "result", output: 3 }),
      send({ type: "cancel", id: 2 }),
      expect({ type: "result", id: 1, output: true }),
    ],
  },
  {
    name: "answers an error that the contract declares with its name and data",
    steps: failed(call(1, "divide", { input: { a: 1, b: 0 } }), {
      code: "byZero",
      data: { a: 1 },
      mayBeStored: "<absent>",
    }),
  },
  {
    name: "answers input that does not match the schema with INVALID_DATA and the issues",
    steps: failed(call(1, "divide", { input: { a: 1, b: "2" } }), {
      code: "INVALID_DATA",
      issues: [{ message: "<string>", path: ["b"] }],
    }),
  },
  {
    name: "answers a call with INTERNAL if its handler throws, without the reason",
    steps: failed(call(1, "throw"), {
      code: "INTERNAL",
      message: { "<matches>": "^(?!.*is broken)" },
      data: "<absent>",
    }),
  },
  {
    name: "answers a call with TOO_BIG if its output exceeds maxMessageBytes of the client, and continues",
    steps: [
      { connect: "a" },
      send({
        type: "hello",
        auth: { name: "ann" },
        session: "<session>",
        connection: 1,
        maxMessageBytes: 1_000,
      }),
      expect({ type: "welcome" }),
      ...request(
        { type: "call", id: 1, name: "echo", input: { "<repeat>": ["x", 1_000] } },
        { type: "error", code: "TOO_BIG" },
      ),
      ...request(
        { type: "call", id: 2, name: "echo", input: "small" },
        { type: "result", output: "small" },
      ),
    ],
  },
  {
    name: "answers an unknown call with UNKNOWN_CALL",
    steps: failed(call(1, "later"), { code: "UNKNOWN_CALL" }),
  },
  {
    name: "answers a call of a stream with UNKNOWN_CALL",
    steps: failed(call(1, "count", { input: { to: 1 } }), { code: "UNKNOWN_CALL" }),
  },
  {
    name: "answers a name that every object of JavaScript has with UNKNOWN_CALL",
    steps: failed(call(1, "constructor"), { code: "UNKNOWN_CALL" }),
  },
  {
    name: "gives an idempotent call that is sent again the same id, after a reconnect too",
    steps: [
      ...hello(),
      ...request(call(1, "place", { number: 1, input: "x" }), { type: "result", output: "<id1>" }),
      ...request(call(2, "place", { number: 1, input: "x" }), { type: "result", output: "<id1>" }),
      { drop: true },
      ...hello("b", "ann", "<session>", 2),
      ...request(
        call(1, "place", { number: 1, input: "x" }),
        { type: "result", output: "<id1>" },
        "b",
      ),
    ],
  },
  {
    name: "gives different idempotent calls and sessions different ids",
    steps: [
      ...hello(),
      send(call(1, "place", { number: 1 })),
      send(call(2, "place", { number: 2 })),
      ...hello("b", "ann", "<session2>"),
      send(call(3, "place", { number: 1 }), "b"),
      expect({ type: "result", id: 1, output: "<id1>" }),
      expect({ type: "result", id: 2, output: { "<unlike>": "<id1>" } }),
      expect({ type: "result", id: 3, output: { "<unlike>": "<id1>" } }, "b"),
    ],
  },
  {
    name: "answers an idempotent call without a number with INVALID_REQUEST",
    steps: failed(call(1, "place"), { code: "INVALID_REQUEST" }),
  },
  {
    name: "aborts a call that the client cancels, and sends no answer",
    steps: [
      ...hello(),
      send(call(1, "wait", { input: { token: "<run>" } })),
      send({ type: "cancel", id: 1 }),
      ...request(call(2, "whenAborted", { input: { token: "<run>" } }), { type: "result" }),
      ...nothing(),
    ],
  },
  {
    name: "aborts the calls of a client that has gone",
    steps: [
      ...hello(),
      send(call(1, "wait", { input: { token: "<run>" } })),
      ...nothing(),
      { drop: true },
      ...hello("b", "ann", "<session>", 2),
      ...request(call(2, "whenAborted", { input: { token: "<run>" } }), { type: "result" }, "b"),
    ],
  },
  {
    name: "answers more pending calls than maxPendingCalls with TOO_MANY_REQUESTS, and continues",
    steps: [
      ...hello(),
      ...[1, 2, 3, 4].map((id) =>
        send(call(id, "whenAborted", { input: { token: `<run>${id}` } })),
      ),
      ...request(call(5, "echo"), {
        type: "error",
        code: "TOO_MANY_REQUESTS",
        retryAfterMs: "<number>",
      }),
      send({ type: "cancel", id: 1 }),
      ...nothing(),
    ],
  },
  {
    name: "counts a cancelled call until its handler has settled, and a settled one no longer",
    steps: [
      ...hello(),
      ...[1, 2, 3, 4].map((id) =>
        send(call(id, "whenAborted", { input: { token: `<run>${id % 2}` } })),
      ),
      send({ type: "cancel", id: 1 }),
      ...request(call(5, "echo"), { type: "error", code: "TOO_MANY_REQUESTS" }),
      ...hello("b", "ann", "<session2>"),
      send(call(1, "wait", { input: { token: "<run>0" } }), "b"),
      send({ type: "cancel", id: 1 }, "b"),
      { expectAll: [2, 4].map((id) => ({ frame: { type: "result", id } })) },
      ...request(call(5, "echo", { input: 5 }), { type: "result", output: 5 }),
    ],
  },
  {
    name: "answers bytes for a schema of JSON with INVALID_DATA",
    steps: [
      ...hello(),
      { send: call(1, "divide"), bytes: "00" },
      expect({ type: "error", id: 1, code: "INVALID_DATA" }),
      ...nothing(),
    ],
  },
  {
    name: "answers JSON for bytes with INVALID_DATA",
    steps: failed(call(1, "reverse", { input: "text" }), { code: "INVALID_DATA" }),
  },
  {
    name: "takes input and gives output as bytes in binary messages",
    steps: [
      ...hello(),
      { send: call(1, "reverse"), bytes: "0a0102ff" },
      { expect: { type: "result", id: 1 }, bytes: "ff02010a" },
    ],
  },
];
