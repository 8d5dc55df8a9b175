import type { ClientScript } from "../script.ts";
import {
  done,
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
  value,
} from "./parts.ts";

/** Calls, and expects that the answer has this effect. */
const answered = (answer: Frame): ClientScript["steps"] => [
  ...open(),
  run("c", "call", "echo", { a: 1 }),
  expect({ type: "call", id: "<id1>", name: "echo", input: { a: 1 } }),
  send({ id: "<id1>", ...answer }),
];

/** Scripts for `call`. */
export const CALL_SCRIPTS: readonly ClientScript[] = [
  {
    name: "resolves a call with its output",
    steps: [...answered({ type: "result", output: [1, null] }), value("c", [1, null])],
  },
  {
    name: "resolves a call without output",
    steps: [...answered({ type: "result" }), value("c", "<absent>")],
  },
  {
    name: "calls without input",
    steps: [
      ...open(),
      run("c", "call", "nothing"),
      expect({ type: "call", name: "nothing", input: "<absent>" }),
    ],
  },
  {
    name: "rejects a call with an error that the contract declares, and its data",
    steps: [
      ...answered({ type: "error", code: "overflow", data: { max: 10 } }),
      error("c", { code: "overflow", data: { max: 10 } }),
      ...nothing(),
    ],
  },
  {
    name: "rejects a call with an unknown code",
    steps: [
      ...answered({ type: "error", code: "LATER", message: "no" }),
      error("c", { code: "LATER", message: "no" }),
    ],
  },
  {
    name: "takes answers in any order",
    steps: [
      ...open(),
      run("c", "call", "echo", 1),
      run("d", "call", "echo", 2),
      expect({ type: "call", id: "<id1>", input: 1 }),
      expect({ type: "call", id: "<id2>", input: 2 }),
      send({ type: "result", id: "<id2>", output: "two" }),
      send({ type: "result", id: "<id1>", output: "one" }),
      value("c", "one"),
      value("d", "two"),
    ],
  },
  {
    name: "rejects a call with CONNECTION_LOST if the connection is lost before the answer, and does not send it again",
    steps: [
      ...open(),
      run("c", "call", "echo", 1),
      expect({ type: "call" }),
      ...reconnect(),
      error("c", { code: "CONNECTION_LOST" }),
      ...nothing("b"),
    ],
  },
  {
    name: "sends a call that waits for a connection",
    steps: [
      run("c", "call", "echo", 1),
      ...open(),
      expect({ type: "call", id: "<id1>", input: 1 }),
      send({ type: "result", id: "<id1>", output: 1 }),
      value("c", 1),
    ],
  },
  {
    name: "sends an idempotent call again after a reconnect, with the same number",
    steps: [
      ...open(),
      run("c", "call", "place", { order: 1 }),
      expect({ type: "call", name: "place", number: "<number1>", input: { order: 1 } }),
      ...reconnect(),
      expect(
        { type: "call", id: "<id1>", name: "place", number: "<number1>", input: { order: 1 } },
        "b",
      ),
      send({ type: "result", id: "<id1>", output: "done" }, "b"),
      value("c", "done"),
    ],
  },
  {
    name: "rejects an idempotent call with UNCONFIRMED when the id window is over",
    steps: [
      ...open({ idWindowMs: 0 }),
      run("c", "call", "place", 1),
      expect({ type: "call", name: "place" }),
      ...reconnect(),
      error("c", { code: "UNCONFIRMED" }),
      ...nothing("b"),
    ],
  },
  {
    name: "rejects a call and a stream above maxMessageBytes of the server with TOO_BIG, and sends nothing",
    steps: [
      ...open({ maxMessageBytes: 1_000 }),
      run("c", "call", "echo", "x".repeat(1_000)),
      error("c", { code: "TOO_BIG" }),
      run("s", "stream", "count", "x".repeat(1_000)),
      ...fails("s", { code: "TOO_BIG" }),
      ...nothing(),
    ],
  },
  {
    name: "rejects a call with the TOO_BIG of the server for an output that it cannot receive",
    steps: [
      ...open(),
      run("c", "call", "place", 1),
      expect({ type: "call", id: "<id1>" }),
      send({ type: "error", id: "<id1>", code: "TOO_BIG" }),
      error("c", { code: "TOO_BIG" }),
      ...reconnect(),
      ...nothing("b"),
    ],
  },
  {
    name: "holds back more calls than maxPending",
    steps: [
      ...open({ maxPending: { publish: 16, call: 1 } }),
      run("c", "call", "echo", 1),
      run("d", "call", "echo", 2),
      expect({ type: "call", id: "<id1>", input: 1 }),
      run("p", "publish", "rooms/1", 1),
      expect({ type: "publish" }),
      send({ type: "result", id: "<id1>", output: 1 }),
      expect({ type: "call", input: 2 }),
    ],
  },
  {
    name: "cancels a call after its timeout, and rejects with TIMEOUT",
    steps: [
      ...open(),
      run("c", "call", "wait", 1, { timeoutMs: 50 }),
      expect({ type: "call", id: "<id1>" }),
      expect({ type: "cancel", id: "<id1>" }),
      error("c", { code: "TIMEOUT" }),
      send({ type: "result", id: "<id1>", output: 1 }),
      ...nothing(),
    ],
  },
  {
    name: "sends input and takes output as bytes in binary messages",
    steps: [
      ...open(),
      run("c", "call", "reverse", { "<bytes>": "010a" }),
      { expect: { type: "call", id: "<id1>", input: "<absent>" }, bytes: "010a" },
      { send: { type: "result", id: "<id1>" }, bytes: "0a01" },
      value("c", { "<bytes>": "0a01" }),
    ],
  },
];

const started = (name: string): ClientScript["steps"] => [
  ...open(),
  run("s", "stream", name, { to: 3 }),
  { next: "s", as: "first" },
  expect({
    type: "stream",
    id: "<id1>",
    name,
    input: { to: 3 },
    credit: "<number>",
    lastId: "<absent>",
  }),
];

const firstIs = (expected: Frame | number): ClientScript["steps"][number] =>
  value("first", { done: false, value: expected });

/** Scripts for `stream`. */
export const STREAM_SCRIPTS: readonly ClientScript[] = [
  {
    name: "gives the items of a stream in order, and ends after the last one",
    steps: [
      ...started("count"),
      send({ type: "item", id: "<id1>", data: 1 }),
      send({ type: "item", id: "<id1>", data: 2 }),
      send({ type: "end", id: "<id1>" }),
      firstIs(1),
      ...item("s", 2),
      ...done("s"),
      ...nothing(),
    ],
  },
  {
    name: "fails with the error of a stream, after its items",
    steps: [
      ...started("count"),
      send({ type: "item", id: "<id1>", data: 1 }),
      send({ type: "item", id: "<id1>", data: 2 }),
      send({ type: "error", id: "<id1>", code: "stopped", data: { after: 2 } }),
      firstIs(1),
      ...item("s", 2),
      ...fails("s", { code: "stopped", data: { after: 2 } }),
    ],
  },
  {
    name: "cancels a stream when its reader ends",
    steps: [
      ...started("count"),
      send({ type: "item", id: "<id1>", data: 1 }),
      firstIs(1),
      { end: "s" },
      expect({ type: "cancel", id: "<id1>" }),
      send({ type: "item", id: "<id1>", data: 2 }),
      ...nothing(),
    ],
  },
  {
    name: "sends no cancel for a stream that has ended",
    steps: [
      ...started("count"),
      send({ type: "end", id: "<id1>" }),
      value("first", { done: true }),
      { end: "s" },
      ...nothing(),
    ],
  },
  {
    name: "renews the credit of a stream when the application has taken items",
    options: { creditBytes: 100 },
    steps: [
      ...started("count"),
      send({ type: "item", id: "<id1>", data: { "<repeat>": ["x", 100] } }),
      send({ type: "item", id: "<id1>", data: { "<repeat>": ["y", 100] } }),
      value("first", { done: false, value: { "<repeat>": ["x", 100] } }),
      expect({ type: "credit", stream: "<id1>", bytes: "<number>" }),
      ...nothing(),
      ...item("s", { "<repeat>": ["y", 100] }),
      expect({ type: "credit", stream: "<id1>", bytes: "<number>" }),
    ],
  },
  {
    name: "fails a stream with CONNECTION_LOST if the connection is lost, after the items that have arrived",
    steps: [
      ...started("count"),
      send({ type: "item", id: "<id1>", data: 1 }),
      send({ type: "item", id: "<id1>", data: 2 }),
      ...nothing(),
      ...reconnect(),
      firstIs(1),
      ...item("s", 2),
      ...fails("s", { code: "CONNECTION_LOST" }),
      ...nothing("b"),
    ],
  },
  {
    name: "sends a resumable stream again after a temporary error, if it is continued on another connection",
    steps: [
      ...started("lines"),
      send({ type: "item", id: "<id1>", itemId: "line-1", data: { line: 1 } }),
      firstIs({ line: 1 }),
      ...reconnect(),
      expect({ type: "stream", id: "<id2>", name: "lines", lastId: "line-1" }, "b"),
      send({ type: "error", id: "<id2>", code: "TOO_MANY_REQUESTS", retryAfterMs: 1 }, "b"),
      expect({ type: "stream", id: "<id3>", name: "lines", lastId: "line-1" }, "b"),
      send({ type: "item", id: "<id3>", itemId: "line-2", data: { line: 2 } }, "b"),
      send({ type: "end", id: "<id3>" }, "b"),
      ...item("s", { line: 2 }),
      ...done("s"),
    ],
  },
  {
    name: "continues a resumable stream after the last item that it has received, on another connection",
    steps: [
      ...started("lines"),
      send({ type: "item", id: "<id1>", itemId: "line-1", data: { line: 1 } }),
      send({ type: "item", id: "<id1>", itemId: "line-2", data: { line: 2 } }),
      firstIs({ line: 1 }),
      ...nothing(),
      ...reconnect(),
      expect(
        { type: "stream", id: "<id2>", name: "lines", input: { to: 3 }, lastId: "line-2" },
        "b",
      ),
      send({ type: "item", id: "<id2>", itemId: "line-3", data: { line: 3 } }, "b"),
      send({ type: "end", id: "<id2>" }, "b"),
      ...item("s", { line: 2 }),
      ...item("s", { line: 3 }),
      ...done("s"),
    ],
  },
  {
    name: "gives bytes of binary items",
    steps: [
      ...started("chunks"),
      { send: { type: "item", id: "<id1>" }, bytes: "0a" },
      firstIs({ "<bytes>": "0a" }),
    ],
  },
];
