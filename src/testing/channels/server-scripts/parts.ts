import type { ScriptValue, ServerStep } from "../script.ts";

/** A frame of a script. */
export type Frame = Readonly<Record<string, ScriptValue>>;

/** Credit for everything that a script publishes. */
export const CREDIT = 100_000;

export const connect: ServerStep = { connect: "a" };

/** Connects, and says hello as the client with a name and session. */
export function hello(
  on = "a",
  name = "ann",
  session = "<session>",
  connection = 1,
): readonly ServerStep[] {
  return [
    { connect: on },
    { send: { type: "hello", auth: { name }, session, connection }, on },
    { expect: { type: "welcome" }, on },
  ];
}

export const send = (frame: Frame, on = "a"): ServerStep => ({ send: frame, on });

export const expect = (frame: ScriptValue, on = "a"): ServerStep => ({ expect: frame, on });

/** Sends a request, and expects its answer next. */
export function request(frame: Frame, answer: Frame, on = "a"): readonly ServerStep[] {
  return [send(frame, on), expect({ id: frame["id"], ...answer }, on)];
}

/** Expects that nothing has arrived: the answer to a ping is next. */
export const nothing = (on = "a"): readonly ServerStep[] => [
  send({ type: "ping" }, on),
  expect({ type: "pong" }, on),
];

/** Subscribes to a topic. Stores its number in the variable `number`. */
export function subscribe(
  topic: string,
  { id = 1, on = "a", credit = CREDIT, number = "number", ...fields }: SubscribeOptions = {},
): readonly ServerStep[] {
  return request(
    { type: "subscribe", id, topic, credit, ...fields },
    { type: "subscribed", topic, number: `<${number}>` },
    on,
  );
}

interface SubscribeOptions {
  readonly id?: number;
  readonly on?: string;
  readonly credit?: number;
  /** The variable for the number of the topic. */
  readonly number?: string;
  readonly since?: string;
  readonly last?: number;
}

/** Publishes, and expects the result. Stores its position in the variable `position<number>`. */
export function publish(
  topic: string,
  number: number,
  data: ScriptValue,
  on = "a",
): readonly ServerStep[] {
  const id = 1_000 + number;
  return request(
    { type: "publish", id, topic, number, data },
    { type: "result", position: `<position${number}>`, isDuplicate: false },
    on,
  );
}

/** A publication of a room, as ann publishes it. */
export function inRoom(text: ScriptValue, from = "ann", number = "number"): readonly ScriptValue[] {
  return [`<${number}>`, { text, from }];
}
