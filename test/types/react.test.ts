/** The types that hooks infer from the contract of a client. The compiler checks them. */
import type { StandardSchema } from "tideway/server";
import {
  useCall,
  useClient,
  useConnectionState,
  useMembers,
  useStream,
  useTopic,
} from "tideway/react";
import { describe, expectTypeOf, it } from "vitest";
import type { ChannelClient } from "../../src/channels/client/client-interface.ts";
import type { ChannelMember } from "../../src/channels/client/topic-interface.ts";
import { defineContract } from "tideway/channels";

declare const text: StandardSchema<{ text: string }>;
declare const name: StandardSchema<{ name: string }>;
declare const sum: StandardSchema<{ sum: number }>;

const define = () =>
  defineContract({
    topics: {
      "rooms/:room": { message: text, member: name },
      "cursors/:board": { message: name, isVolatile: true },
      news: { message: text },
    },
    calls: {
      "math/add": { input: text, output: sum, errors: { overflow: name } },
      "jobs/start": {},
      search: { input: text, item: name },
    },
  });

declare const client: ChannelClient<ReturnType<typeof define>> | undefined;

describe("the hooks infer from the contract", () => {
  it("the data of messages and members, and the params of a topic", () => {
    void (() => {
      const { messages } = useTopic(client, "rooms/:room", { room: "tides" }, { last: 50 });
      expectTypeOf(messages).toEqualTypeOf<
        readonly { readonly data: { text: string }; readonly position: string }[]
      >();
      const { members } = useMembers(client, "rooms/:room", { room: "tides" });
      expectTypeOf(members).toEqualTypeOf<readonly ChannelMember<{ name: string }>[]>();
      useTopic(client, "news");
      useTopic(client, "news", {}, { maxMessages: 1 });
      const volatile = useTopic(client, "cursors/:board", { board: "1" });
      // @ts-expect-error the messages of a volatile topic have no position
      void volatile.messages[0].position;
      // @ts-expect-error a param is missing
      useTopic(client, "rooms/:room", {});
      // @ts-expect-error the params are missing
      useTopic(client, "rooms/:room");
      // @ts-expect-error no such topic
      useTopic(client, "other");
      // @ts-expect-error the topic has no members
      useMembers(client, "news");
    });
  });

  it("the input, output and errors of a call, by its status and code", () => {
    void (() => {
      const state = useCall(client, "math/add");
      expectTypeOf(state.call).parameter(0).toEqualTypeOf<{ text: string }>();
      if (state.status === "succeeded") expectTypeOf(state.output).toEqualTypeOf<{ sum: number }>();
      if (state.error?.code === "overflow") {
        expectTypeOf(state.error.data).toEqualTypeOf<{ name: string }>();
      }
      void useCall(client, "jobs/start").call();
      // @ts-expect-error the input is missing
      void state.call();
      // @ts-expect-error a stream is not a call
      useCall(client, "search");
    });
  });

  it("the input and items of a stream", () => {
    void (() => {
      const { items } = useStream(client, "search", { text: "tide" }, { maxItems: 10 });
      expectTypeOf(items).toEqualTypeOf<readonly { name: string }[]>();
      // @ts-expect-error the input is missing
      useStream(client, "search");
      // @ts-expect-error a call is not a stream
      useStream(client, "math/add", { text: "tide" });
    });
  });

  it("the error by the status of a topic", () => {
    void (() => {
      const state = useTopic(client, "news");
      if (state.status === "failed") expectTypeOf(state.error).toEqualTypeOf<Error>();
      else expectTypeOf(state.error).toEqualTypeOf<undefined>();
    });
  });

  it("the contract of the client that useClient creates", () => {
    void ((create: () => NonNullable<typeof client>) => {
      const created = useClient(create);
      useConnectionState(created);
      expectTypeOf(created).toEqualTypeOf(client);
    });
  });

  it("unknown data without a contract", () => {
    void ((anyClient: ChannelClient) => {
      const { messages } = useTopic(anyClient, "rooms/:room", { room: "tides" });
      expectTypeOf(messages[0].data).toEqualTypeOf<unknown>();
      void useCall(anyClient, "math/add").call({ a: 1 });
      useStream(anyClient, "search", { text: "tide" });
      useMembers(anyClient, "rooms/:room", { room: "tides" });
    });
  });
});
