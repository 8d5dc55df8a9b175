/* oxlint-disable vitest/expect-expect, typescript/unbound-method -- the assertions are the compiler's */
/** The rules and handlers that `channels` refuses, and the types of its result. The compiler checks them. */
import type { Topics } from "tideway/topics";
import { describe, expect, expectTypeOf, it } from "vitest";
import type { Handlers } from "../../src/channels/server/calls-interface.ts";
import { type Channels, channels } from "tideway/channels/server";
import { fail, refuse, resumable } from "../../src/channels/server/refusals.ts";
import type { Rules } from "../../src/channels/server/rules-interface.ts";
import type { AuthorizeRequest } from "../../src/channels/server/session-interface.ts";
import { contract, type Message, schema } from "./channels-schemas.ts";
import { defineContract } from "tideway/channels";

interface Session {
  readonly id: string;
}
type Agreed = typeof contract;

declare const api: Channels<Agreed, Session>;
declare const handlers: Handlers<Agreed, Session>;
declare const topics: Topics;

/** Has the compiler check a function, without running it. */
function compiled(program: (...parameters: never) => unknown): void {
  expect(program).toBeTypeOf("function");
}

describe("the handlers of calls", () => {
  it("are required, each of them", () => {
    compiled(() => {
      const authorize = (): { state: Session } => ({ state: { id: "a" } });
      channels(contract, { topics, authorize, calls: handlers });
      // @ts-expect-error -- without calls
      channels(contract, { topics, authorize });
      // @ts-expect-error -- without the other calls
      channels(contract, { topics, authorize, calls: { ping: () => {} } });
      // @ts-expect-error -- a call that is not in the contract
      channels(contract, { topics, authorize, calls: { ...handlers, pong: () => {} } });
      channels(defineContract({}), { topics, authorize });
      // @ts-expect-error -- without authorize
      channels(defineContract({}), { topics });
    });
  });

  it("return the output, or an error that the contract declares", () => {
    const calls: Partial<Handlers<Agreed, Session>>[] = [
      { "math/add": ({ a }) => (a > 1 ? fail("overflow", { max: 1 }) : { sum: a }) },
      { "math/add": async ({ a }) => (a > 1 ? fail("gone") : { sum: a }) },
      { ping: () => {} },
      { ping: async () => undefined },
      { greet: (name) => name ?? "nobody" },
      // @ts-expect-error -- an error of another call
      { "math/add": () => fail("busy", { load: 1 }) },
      // @ts-expect-error -- the wrong data
      { "math/add": () => fail("overflow", { max: "1" }) },
      // @ts-expect-error -- without data
      { "math/add": () => fail("overflow") },
      // @ts-expect-error -- without the output
      { "math/add": () => {} },
      // @ts-expect-error -- a wrong output
      { "math/add": async () => ({ sum: "1" }) },
      // @ts-expect-error -- this call declares no errors
      { ping: () => fail("gone") },
    ];
    expect(calls).toHaveLength(11);
  });

  it("yield the items of a stream", () => {
    const calls: Partial<Handlers<Agreed, Session>>[] = [
      {
        async *search({ q }) {
          if (q === "") return fail("busy", { load: 1 });
          yield { title: q };
          return undefined;
        },
      },
      { search: () => new ReadableStream<{ title: string }>() },
      { search: async () => fail("busy", { load: 1 }) },
      {
        async *answer(question, { lastId = "0" }) {
          yield resumable(lastId, { token: question });
        },
      },
      {
        // @ts-expect-error -- a wrong item
        async *search() {
          yield { name: 1 };
        },
      },
      {
        // @ts-expect-error -- an error that this stream does not declare
        async *search() {
          yield { title: "a" };
          return fail("overflow", { max: 1 });
        },
      },
      {
        // @ts-expect-error -- an item of a resumable stream needs an id
        async *answer(question) {
          yield { token: question };
        },
      },
      // @ts-expect-error -- not a stream
      { search: () => ({ title: "a" }) },
    ];
    expect(calls).toHaveLength(8);
  });

  it("have an id only if the call is idempotent, and the last id only if the stream is resumable", () => {
    const calls: Partial<Handlers<Agreed, Session>> = {
      "orders/place": (input, { id }) => {
        expectTypeOf(input).toEqualTypeOf<number>();
        return { receipt: id };
      },
      // @ts-expect-error -- not idempotent
      greet: (_, { id }) => id,
      // @ts-expect-error -- not resumable
      async *search(_, { lastId }) {
        yield { title: lastId };
      },
    };
    expect(calls).toHaveProperty("greet");
  });
});

describe("the rules of topics", () => {
  it("allow with true or an object, and deny with false or a refusal", () => {
    const rules: Rules<Agreed, Session>[] = [
      { "rooms/:room": { subscribe: true, publish: ({ draft }) => ({ ...draft, from: "me" }) } },
      { "rooms/:room": { subscribe: async () => refuse("forbidden"), publish: () => false } },
      { "rooms/:room": { enter: () => ({ id: "a", data: { name: "Ann" } }) } },
      { "rooms/:room": { enter: async () => undefined } },
      { "prices/:symbol": { publish: true } },
      { news: { publish: () => true } },
      { "video/:id": { publish: ({ draft }) => draft } },
      // @ts-expect-error -- a draft of this topic is not a message
      { "rooms/:room": { publish: true } },
      // @ts-expect-error -- a draft of this topic is not a message
      { "rooms/:room": { publish: () => true } },
      // @ts-expect-error -- without from
      { "rooms/:room": { publish: ({ draft }) => ({ text: draft.text }) } },
      // @ts-expect-error -- only true allows
      { "rooms/:room": { subscribe: () => "yes" } },
      // @ts-expect-error -- only true and objects allow
      { news: { publish: () => "a message that is text" } },
      // @ts-expect-error -- without the data of the member
      { "rooms/:room": { enter: () => ({ id: "a" }) } },
      // @ts-expect-error -- the topic has no members
      { "prices/:symbol": { enter: () => ({ id: "a" }) } },
      // @ts-expect-error -- not in the contract
      { "halls/:hall": { subscribe: true } },
    ];
    expect(rules).toHaveLength(15);
  });
});

describe("authorize", () => {
  it("returns a state or a refusal", () => {
    compiled(() => {
      const empty = defineContract({ topics: { news: { message: schema<string>() } } });
      const number = channels(empty, { topics, authorize: () => ({ state: 1 }) });
      expectTypeOf(number).toEqualTypeOf<Channels<typeof empty, number>>();
      channels(empty, { topics, authorize: async () => refuse("unauthorized") });
      channels(empty, {
        topics,
        authorize: ({ auth }: AuthorizeRequest) => ({ state: { id: auth }, expiresAtMs: 1 }),
      });
      // @ts-expect-error -- a state must be in an object
      channels(empty, { topics, authorize: () => true });
      // @ts-expect-error -- a date is not a number
      channels(empty, { topics, authorize: () => ({ state: 1, expiresAtMs: new Date() }) });
    });
  });
});

describe("the result of channels", () => {
  it("has typed topics and sessions", () => {
    compiled(async () => {
      const room = api.topic("rooms/:room", { room: "tides" });
      expectTypeOf(room.publish).parameter(0).toEqualTypeOf<Message>();
      expectTypeOf((await room.history()).messages[0].data).toEqualTypeOf<Message>();
      expectTypeOf((await room.members())[0].data).toEqualTypeOf<{ name: string }>();
      // @ts-expect-error -- the topic has no members
      await api.topic("news").members();
      // @ts-expect-error -- a volatile topic has no history
      await api.topic("cursors/:board/:who", { board: "1", who: "a" }).history();
      for (const session of api.sessions({ where: ({ state }) => state.id === "a" })) {
        expectTypeOf(session.state).toEqualTypeOf<Session>();
        session.close("forbidden");
      }
      await api.recheck(({ state }) => state.id === "a");
    });
  });
});
