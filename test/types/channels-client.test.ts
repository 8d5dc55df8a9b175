/* oxlint-disable vitest/expect-expect, typescript/unbound-method -- the assertions are the compiler's */
/** The types that a channel client infers from a contract. The compiler checks them. */
import type { LossReason, TopicMessage, TopicSubscription } from "tideway/topics";
import { describe, expect, expectTypeOf, it } from "vitest";
import type {
  CallFailure,
  ChannelCall,
  ChannelStream,
  DeclaredError,
  UndeclaredError,
} from "../../src/channels/client/call-interface.ts";
import type { ChannelClient } from "../../src/channels/client/client-interface.ts";
import type { Connect } from "../../src/channels/client/connect-interface.ts";
import type {
  ChannelHistoryPage,
  ChannelMember,
  ChannelMessage,
  PublicationsLost,
} from "../../src/channels/client/topic-interface.ts";
import type { CallOf } from "../../src/channels/contract/index.ts";
import type { ChannelError, PublicationsLostError } from "../../src/channels/wire/channel-error.ts";
import type { contract, Draft, Message } from "./channels-schemas.ts";

type Agreed = typeof contract;

declare const connect: Connect;
declare const client: ChannelClient<Agreed>;
declare const anyClient: ChannelClient;

/** Has the compiler check a function, without running it. */
function compiled(program: (...parameters: never) => unknown): void {
  expect(program).toBeTypeOf("function");
}

describe("connect", () => {
  it("infers the contract from the option, or takes only its type", () => {
    compiled((given: Agreed) => {
      const url = "wss://example.com";
      expectTypeOf(connect(url, { contract: given })).toEqualTypeOf<ChannelClient<Agreed>>();
      expectTypeOf(connect<Agreed>(url)).toEqualTypeOf<ChannelClient<Agreed>>();
      expectTypeOf(connect<Agreed>(url, { auth: "token" })).toEqualTypeOf<ChannelClient<Agreed>>();
      expectTypeOf(connect(url)).toEqualTypeOf<ChannelClient>();
      expectTypeOf(connect(url, { creditBytes: 1 })).toEqualTypeOf<ChannelClient>();
    });
  });

  it("types the parameter of auth, before and after the contract", () => {
    compiled((given: Agreed) => {
      connect("wss://example.com", {
        auth: ({ reason }) => {
          expectTypeOf(reason).toEqualTypeOf<"connect" | "expires" | "unauthorized">();
        },
        contract: given,
      });
      connect("wss://example.com", { contract: given, auth: async ({ reason }) => reason });
    });
  });
});

describe("a topic of a client", () => {
  it("has the params of the pattern, and the data of the schemas", () => {
    compiled(async () => {
      const room = client.topic("rooms/:room", { room: "tides" });
      for await (const message of room.messages({ last: 50 })) {
        expectTypeOf(message).toEqualTypeOf<ChannelMessage<Message>>();
      }
      expectTypeOf(room.publish).parameter(0).toEqualTypeOf<Draft>();
      expectTypeOf(room.members).toEqualTypeOf<
        readonly ChannelMember<{ name: string }>[] | undefined
      >();
      expectTypeOf((await room.history()).messages).toEqualTypeOf<
        readonly ChannelMessage<Message>[]
      >();
      const video = client.topic("video/:id", { id: "1" });
      expectTypeOf(video.publish).parameter(0).toEqualTypeOf<Uint8Array>();
      expectTypeOf(client.topic("news").publish).parameter(0).toEqualTypeOf<string>();
      // The draft defaults to the message.
      const price = client.topic("prices/:symbol", { symbol: "x" });
      expectTypeOf(price.publish).parameter(0).toEqualTypeOf<{ price: number }>();
    });
  });

  it("needs exactly the params of the pattern", () => {
    compiled(() => {
      // @ts-expect-error -- without params
      client.topic("rooms/:room");
      // @ts-expect-error -- another name
      client.topic("rooms/:room", { id: "tides" });
      // @ts-expect-error -- not text
      client.topic("rooms/:room", { room: 1 });
      // @ts-expect-error -- one of two params
      client.topic("cursors/:board/:who", { board: "1" });
      // @ts-expect-error -- the pattern has no params
      client.topic("news", { room: "tides" });
      // @ts-expect-error -- not in the contract
      client.topic("halls/:hall", { hall: "tides" });
    });
  });

  it("has presence only with members, and positions only if it is not volatile", () => {
    compiled(async () => {
      const cursors = client.topic("cursors/:board/:who", { board: "1", who: "a" });
      for await (const message of cursors.messages()) {
        expectTypeOf(message).toEqualTypeOf<{ readonly data: { x: number } }>();
      }
      // @ts-expect-error -- a volatile topic has no history
      await cursors.history();
      // @ts-expect-error -- a volatile topic has no earlier messages
      cursors.messages({ last: 1 });
      // @ts-expect-error -- the topic has no members
      await client.topic("prices/:symbol", { symbol: "x" }).enter();
    });
  });
});

describe("a call of a client", () => {
  type Add = CallOf<Agreed, "math/add">;

  it("has the input and the output of the schemas", () => {
    compiled(async () => {
      const call = client.call("math/add", { a: 1, b: 2 }, { timeoutMs: 5 });
      expectTypeOf(call).toEqualTypeOf<ChannelCall<{ sum: number }, CallFailure<Add>>>();
      expectTypeOf(await call).toEqualTypeOf<{ sum: number }>();
      // The client passes the input of the schema, and the handler gets its output.
      expectTypeOf(await client.call("orders/place", "1")).toEqualTypeOf<{ receipt: string }>();
      expectTypeOf(await client.call("ping")).toEqualTypeOf<undefined>();
      expectTypeOf(await client.call("greet")).toEqualTypeOf<string>();
      expectTypeOf(await client.call("greet", "Ann")).toEqualTypeOf<string>();
    });
  });

  it("has its declared errors as a union that is discriminated by code", () => {
    compiled(async () => {
      const { output, error } = await client.call("math/add", { a: 1, b: 2 }).result();
      if (error === undefined) {
        expectTypeOf(output).toEqualTypeOf<{ sum: number }>();
        return;
      }
      expectTypeOf(output).toEqualTypeOf<undefined>();
      expectTypeOf(error).toExtend<ChannelError>();
      if (error.code === "overflow") {
        expectTypeOf(error.data).toEqualTypeOf<{ max: number }>();
        expectTypeOf(error).toEqualTypeOf<DeclaredError<"overflow", { max: number }>>();
      } else if (error.code === "gone") {
        expectTypeOf(error.data).toEqualTypeOf<undefined>();
      } else {
        expectTypeOf(error).toEqualTypeOf<UndeclaredError>();
      }
      // @ts-expect-error -- not an error of this call
      expect(error.code === "busy").toBe(false);
    });
  });

  it("compiles only for names and inputs of the contract", () => {
    compiled(() => {
      // @ts-expect-error -- without input
      void client.call("math/add");
      // @ts-expect-error -- a wrong input
      void client.call("math/add", { a: 1, b: "2" });
      // @ts-expect-error -- a stream
      void client.call("search", { q: "tide" });
      // @ts-expect-error -- not in the contract
      void client.call("math/sub");
    });
  });
});

describe("a stream of a client", () => {
  it("has the items of the schema", () => {
    compiled(async () => {
      const hits = client.stream("search", { q: "tide" });
      expectTypeOf(hits).toEqualTypeOf<ChannelStream<{ title: string }>>();
      for await (const hit of hits) expectTypeOf(hit).toEqualTypeOf<{ title: string }>();
      client.stream("answer", "why?", { lastId: "1" });
      // @ts-expect-error -- a call
      client.stream("math/add", { a: 1, b: 2 });
    });
  });
});

describe("a loss of publications", () => {
  it("has the reasons of tideway/topics, in each type that has one", () => {
    expectTypeOf<PublicationsLostError["reason"]>().toEqualTypeOf<LossReason>();
    expectTypeOf<PublicationsLost["reason"]>().toEqualTypeOf<LossReason>();
    expectTypeOf<ChannelHistoryPage<string>["reason"]>().toEqualTypeOf<LossReason | undefined>();
    expectTypeOf<Extract<TopicMessage, { type: "lost" }>["reason"]>().toEqualTypeOf<LossReason>();
    expectTypeOf<TopicSubscription["reason"]>().toEqualTypeOf<
      LossReason | "no-position" | undefined
    >();
  });
});

describe("a client without a contract", () => {
  it("has any topic and any call, with data of the type unknown", () => {
    compiled(async () => {
      const topic = anyClient.topic("rooms/:room", { room: "tides" });
      for await (const { data } of topic.messages()) expectTypeOf(data).toEqualTypeOf<unknown>();
      await anyClient.topic("rooms/tides").publish({ any: "thing" });
      expectTypeOf((await topic.enter()).data).toEqualTypeOf<unknown>();
      expectTypeOf(await anyClient.call("math/add", { a: 1 })).toEqualTypeOf<unknown>();
      expectTypeOf(await anyClient.call("ping")).toEqualTypeOf<unknown>();
      const { error } = await anyClient.call("ping").result();
      if (error !== undefined) expectTypeOf(error.code).toEqualTypeOf<string>();
      for await (const item of anyClient.stream("search")) {
        expectTypeOf(item).toEqualTypeOf<unknown>();
      }
    });
  });
});
