import { bytes, defineContract } from "tideway/channels";
import {
  type AuthorizeRequest,
  channels,
  type Channels,
  fail,
  refuse,
  resumable,
} from "tideway/channels/server";
import type { StandardSchema } from "tideway/server";
import { BrokerError, MemoryBroker, Topics } from "tideway/topics";

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === "string";
const isNumber: Check = (value) => typeof value === "number";

function schema<T>(validate: (value: unknown) => PropertyKey[] | undefined): StandardSchema<T, T> {
  return {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value) => {
        const path = validate(value);
        return path === undefined
          ? { value: value as T }
          : { issues: [{ message: "is not valid", path }] };
      },
    },
  };
}

/** A schema of objects with these fields. */
function object<T>(fields: Readonly<Record<string, Check>>): StandardSchema<T, T> {
  return schema((value) => {
    if (typeof value !== "object" || value === null) return [];
    const entries = Object.entries(fields);
    const invalid = entries.find(
      ([name, check]) => !check((value as Record<string, unknown>)[name]),
    );
    return invalid && [invalid[0]];
  });
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

const anything = schema<Json>((value) => (value === undefined ? [] : undefined));
const optional = schema<Json | undefined>(() => undefined);
const text = schema<string>((value) => (isText(value) ? undefined : []));
const number = schema<number>((value) => (isNumber(value) ? undefined : []));

const withToken = object<{ token: string }>({ token: isText });

/** The contract that the conformance kit describes. */
export const contract = defineContract({
  topics: {
    "rooms/:room": {
      publish: object<{ text: string }>({ text: isText }),
      message: object<{ text: string; from: string }>({ text: isText, from: isText }),
      member: object<{ name: string }>({ name: isText }),
    },
    "short/:name": { message: anything },
    "moves/:board": { message: anything, isVolatile: true },
    "files/:name": { message: bytes() },
    "hidden/:name": { message: anything },
    "down/:name": { message: anything, member: anything },
  },
  calls: {
    echo: { input: optional, output: optional },
    nothing: {},
    whoami: { output: text },
    divide: {
      input: object<{ a: number; b: number }>({ a: isNumber, b: isNumber }),
      output: number,
      errors: { byZero: object<{ a: number }>({ a: isNumber }) },
    },
    throw: {},
    reverse: { input: bytes(), output: bytes() },
    place: { input: optional, output: text, isIdempotent: true },
    wait: { input: withToken },
    whenAborted: { input: withToken, output: anything },
    revoke: { input: object<{ topic: string }>({ topic: isText }) },
    count: { input: object<{ to: number; token?: string }>({ to: isNumber }), item: number },
    lines: {
      input: object<{ to: number }>({ to: isNumber }),
      item: object<{ line: number }>({ line: isNumber }),
      isResumable: true,
    },
    stopped: { item: number, errors: { stopped: object<{ after: number }>({ after: isNumber }) } },
    broken: { item: number },
    chunks: { item: bytes() },
  },
});

/** Tokens of calls and streams that were aborted, and what waits for them. */
class Aborts {
  readonly #aborted = new Set<string>();
  readonly #waiting = new Map<string, (() => void)[]>();

  add(token: string): void {
    this.#aborted.add(token);
    for (const resolve of this.#waiting.get(token) ?? []) resolve();
  }

  async of(token: string): Promise<void> {
    if (this.#aborted.has(token)) return;
    await new Promise<void>((resolve) => {
      this.#waiting.set(token, [...(this.#waiting.get(token) ?? []), resolve]);
    });
  }
}

/** Cannot reach the topics that begin with `down/`. */
class PartlyDownBroker extends MemoryBroker {
  override async publish(...args: Parameters<MemoryBroker["publish"]>) {
    return super.publish(reachable(args[0]), args[1], args[2]);
  }

  override async history(...args: Parameters<MemoryBroker["history"]>) {
    return super.history(reachable(args[0]), args[1], args[2]);
  }

  override async subscribe(...args: Parameters<MemoryBroker["subscribe"]>) {
    return super.subscribe(reachable(args[0]), args[1]);
  }

  override async enter(...args: Parameters<MemoryBroker["enter"]>) {
    return super.enter(reachable(args[0]), args[1], args[2]);
  }

  override async members(topic: string) {
    return super.members(reachable(topic));
  }
}

/** @throws BrokerError */
function reachable(topic: string): string {
  if (topic.startsWith("down/")) throw new BrokerError("BROKER_CLOSED", "the topic is down");
  return topic;
}

interface State {
  readonly name: string;
}

function authorize({ auth }: AuthorizeRequest) {
  if (auth === "forbidden") return refuse("forbidden");
  if (auth === "silent") return new Promise<never>(() => {});
  if (auth === "broken") throw new Error("authorize is broken");
  const { name, expiresInMs } = (auth ?? {}) as { name?: string; expiresInMs?: number };
  if (name === undefined) return refuse("unauthorized");
  const state: State = { name };
  return expiresInMs === undefined ? { state } : { state, expiresAtMs: Date.now() + expiresInMs };
}

/** The server of the conformance kit, by the server of this package. */
export interface Service extends AsyncDisposable {
  readonly api: Channels<typeof contract, State>;
}

/** Creates the server that the conformance kit describes. */
export function createService(): Service {
  const topics = new Topics({
    broker: new PartlyDownBroker(),
    onError: () => {},
    optionsOf: (name) => (name.startsWith("short/") ? { historySize: 5 } : { presence: true }),
  });
  const aborts = new Aborts();
  const revoked = new Set<string>();
  const isAllowed = (topic: string, room: string): boolean => {
    if (room.startsWith("broken-")) throw new Error("the rule is broken");
    return !room.startsWith("closed-") && !revoked.has(topic);
  };
  const api: Channels<typeof contract, State> = channels(contract, {
    topics,
    authorize,
    onError: () => {},
    presenceGraceMs: 500,
    limits: { maxPendingCalls: 4, authTimeoutMs: 2_000 },
    rules: {
      "rooms/:room": {
        subscribe: ({ topic, params, state }) =>
          state.name !== "banned" && isAllowed(topic, params.room),
        publish: ({ draft, state }) => {
          if (draft.text === "broken") throw new Error("the rule is broken");
          return draft.text === "forbidden" ? false : { text: draft.text, from: state.name };
        },
        enter: ({ topic, params, state: { name } }) =>
          isAllowed(topic, params.room) ? { id: name, data: { name } } : false,
      },
      "short/:name": { subscribe: true, publish: true },
      "moves/:board": { subscribe: true, publish: true },
      "files/:name": { subscribe: true, publish: true },
      "down/:name": {
        subscribe: true,
        publish: true,
        enter: ({ state: { name } }) => ({ id: name, data: name }),
      },
    },
    calls: {
      echo: (input) => input,
      nothing: () => {},
      whoami: (_, { state }) => state.name,
      divide: ({ a, b }) => (b === 0 ? fail("byZero", { a }) : a / b),
      throw: () => {
        throw new Error("the handler is broken");
      },
      reverse: (input) => input.toReversed(),
      place: (_, { id }) => id,
      wait: (input, { signal }) =>
        new Promise(() => signal.addEventListener("abort", () => aborts.add(input.token))),
      whenAborted: async (input) => {
        await aborts.of(input.token);
        return true;
      },
      revoke: async ({ topic }) => {
        revoked.add(topic);
        await api.recheck();
      },
      count: async function* (input, { signal }) {
        signal.addEventListener("abort", () => aborts.add(input.token ?? ""));
        for (let item = 1; item <= input.to; item++) yield item;
      },
      lines: async function* ({ to }, { lastId }) {
        const last = Number(lastId?.slice("line-".length) ?? 0);
        for (let line = last + 1; line <= to; line++) yield resumable(`line-${line}`, { line });
      },
      stopped: async function* () {
        yield 1;
        return fail("stopped", { after: 1 });
      },
      broken: async function* () {
        yield 1;
        throw new Error("the handler is broken");
      },
      chunks: async function* () {
        yield Uint8Array.of(0x0a);
        yield Uint8Array.of(0x0b, 0x0c);
      },
    },
  });
  return { api, [Symbol.asyncDispose]: () => topics.close() };
}
