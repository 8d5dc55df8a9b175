import type { ClientStep, DriverMethod, ScriptValue } from "../script.ts";

/** A frame of a script. */
export type Frame = Readonly<Record<string, ScriptValue>>;

const WELCOME = {
  type: "welcome",
  idWindowMs: 300_000,
  repeatable: ["place", "lines"],
  maxPending: { publish: 16, call: 16 },
};

export const send = (frame: ScriptValue, on = "a"): ClientStep => ({ send: frame, on });

export const expect = (frame: ScriptValue, on = "a"): ClientStep => ({ expect: frame, on });

export const welcome = (fields: Frame = {}, on = "a"): ClientStep =>
  send({ ...WELCOME, ...fields }, on);

/** Accepts a connection with its hello. */
export const accept = (on = "a", hello: Frame = {}): readonly ClientStep[] => [
  { accept: on },
  expect({ type: "hello", session: "<secret>", ...hello }, on),
];

/** Accepts a connection, and welcomes the client. */
export const open = (fields: Frame = {}, on = "a"): readonly ClientStep[] => [
  ...accept(on),
  welcome(fields, on),
];

/** Loses the connection `a`, and accepts the next one as `b`. */
export const reconnect = (fields: Frame = {}): readonly ClientStep[] => [
  { drop: true, on: "a" },
  ...accept("b", { connection: 2 }),
  welcome(fields, "b"),
];

export const run = (
  as: string,
  method: DriverMethod,
  ...values: readonly ScriptValue[]
): ClientStep => ({ run: method, arguments: values, as });

/** The step `of` succeeds. */
export const value = (of: string, expected: ScriptValue): ClientStep => ({
  expectValue: expected,
  of,
});

/** The step `of` fails. */
export const error = (of: string, expected: Frame): ClientStep => ({ expectError: expected, of });

let takes = 0;

/** Takes the next item of an iterator, which has arrived. */
export function item(of: string, expected: ScriptValue): readonly ClientStep[] {
  const as = `${of}-${++takes}`;
  return [{ next: of, as }, value(as, { done: false, value: expected })];
}

/** The next value of an iterator is an error. */
export function fails(of: string, expected: Frame): readonly ClientStep[] {
  const as = `${of}-${++takes}`;
  return [{ next: of, as }, error(as, expected)];
}

/** The iterator has ended. */
export function done(of: string): readonly ClientStep[] {
  const as = `${of}-${++takes}`;
  return [{ next: of, as }, value(as, { done: true })];
}

/** Checks that the client has sent nothing else: the next frame is a call. */
export function nothing(on = "a"): readonly ClientStep[] {
  const as = `call-${++takes}`;
  return [
    run(as, "call", "echo", as),
    expect({ type: "call", id: `<call${takes}>`, name: "echo", input: as }, on),
    send({ type: "result", id: `<call${takes}>`, output: as }, on),
    value(as, as),
  ];
}

/** Subscribes to a topic by the iterator `as`. The step `first` takes its first item. */
export const subscribe = (
  as: string,
  topic: string,
  subscribed: Frame,
  on = "a",
): readonly ClientStep[] => [
  run(as, "messages", topic),
  { next: as, as: "first" },
  expect({ type: "subscribe", id: "<subscribe>", topic, credit: "<number>" }, on),
  send({ type: "subscribed", id: "<subscribe>", topic, ...subscribed }, on),
];

/** The answer to a subscribe that starts at the end. */
export const AT_END = { number: 5, position: "e:3", recovered: false, reason: "no-position" };
