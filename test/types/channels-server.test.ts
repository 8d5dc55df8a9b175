/** The types that `channels` infers, in each order of its options. The compiler checks them. */
import { describe, expectTypeOf, it } from "vitest";
import { Topics } from "tideway/topics";
import { bytes, defineContract } from "../../src/channels/contract/index.ts";
import type { Channels, DefineChannels } from "../../src/channels/server/channels-interface.ts";
import { fail, refuse, resumable } from "../../src/channels/server/refusals.ts";
import type { ChannelSession } from "../../src/channels/server/session-interface.ts";
import type { StandardSchema } from "../../src/schema/standard-schema.ts";

interface Draft {
  text: string;
}
interface Message {
  text: string;
  from: string;
}
interface Session {
  id: string;
  name: string;
  rooms: Set<string>;
}

/** A schema that accepts anything. */
function schema<Input, Output = Input>(): StandardSchema<Input, Output> {
  const validate = (value: unknown): { value: Output } => ({ value: value as Output });
  return { "~standard": { version: 1, vendor: "test", validate } };
}

const contract = defineContract({
  topics: {
    "rooms/:room": {
      publish: schema<Draft>(),
      message: schema<Message>(),
      member: schema<{ name: string }>(),
    },
    "prices/:symbol": { message: schema<{ price: number }>() },
    "cursors/:board": { message: schema<{ x: number }>(), isVolatile: true },
    "video/:id": { message: bytes() },
  },
  calls: {
    "math/add": {
      input: schema<{ a: number; b: number }>(),
      output: schema<{ sum: number }>(),
      errors: { overflow: schema<{ max: number }>(), gone: schema<undefined>() },
    },
    "orders/place": {
      input: schema<string, number>(),
      output: schema<{ receipt: string }>(),
      isIdempotent: true,
    },
    search: {
      input: schema<{ q: string }>(),
      item: schema<{ title: string }>(),
      errors: { busy: schema<1>() },
    },
    answer: { input: schema<string>(), item: schema<{ token: string }>(), isResumable: true },
    ping: {},
  },
});

const channels: DefineChannels = () => undefined as never;
const topics = new Topics();
declare function sessionOf(auth: unknown): Promise<Session | undefined>;

/** Accepts channels with {@link Session} as their state. */
function check(api: Channels<typeof contract, Session>): void {
  void api;
}

/** The options, so that each test has them in another order. The compiler checks the types at each use. */
describe("channels infers all types", () => {
  it("if authorize comes first, without annotations", () => {
    void (() => {
      check(
        channels(contract, {
          topics,
          authorize: async ({ auth, request }) => {
            expectTypeOf(auth).toEqualTypeOf<unknown>();
            expectTypeOf(request).toEqualTypeOf<Request>();
            const session = await sessionOf(auth);
            return session ? { state: session, expiresAtMs: Date.now() } : refuse("unauthorized");
          },
          rules: {
            "rooms/:room": {
              subscribe: ({ params, state }) => state.rooms.has(params.room),
              publish: ({ draft, params, state }) => {
                expectTypeOf(draft).toEqualTypeOf<Draft>();
                expectTypeOf(params).toEqualTypeOf<{ readonly room: string }>();
                expectTypeOf(state).toEqualTypeOf<Session>();
                return { ...draft, from: state.name };
              },
              enter: ({ state }) => ({ id: state.id, data: { name: state.name } }),
            },
            "prices/:symbol": { subscribe: true },
          },
          calls: {
            "math/add": ({ a, b }, { state, session }) => {
              expectTypeOf(a).toEqualTypeOf<number>();
              expectTypeOf(state).toEqualTypeOf<Session>();
              expectTypeOf(session).toEqualTypeOf<ChannelSession<Session>>();
              return a + b > 10 ? fail("overflow", { max: 10 }) : { sum: a + b };
            },
            "orders/place": (order, { id, state }) => {
              expectTypeOf(order).toEqualTypeOf<number>();
              expectTypeOf(id).toEqualTypeOf<string>();
              return { receipt: id + state.id };
            },
            async *search(query, { signal }) {
              expectTypeOf(query).toEqualTypeOf<{ q: string }>();
              expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
              yield { title: query.q };
            },
            async *answer(question, { lastId }) {
              expectTypeOf(question).toEqualTypeOf<string>();
              expectTypeOf(lastId).toEqualTypeOf<string | undefined>();
              yield resumable("1", { token: question });
            },
            ping: () => {},
          },
        }),
      );
    });
  });
});
