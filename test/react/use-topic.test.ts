// @vitest-environment jsdom
import { describe, expect, it } from "vitest";
import { useTopic, type UseTopicOptions } from "tideway/react";
import type { ChannelClient } from "../../src/channels/client/client-interface.ts";
import type { ChannelMessage } from "../../src/channels/client/topic-interface.ts";
import { FakeClient } from "./fake-client.ts";
import {
  laterTask,
  renderHook,
  renderHookOnServer,
  type RenderHookOptions,
} from "./render-hook.ts";

interface Props {
  readonly client: ChannelClient | undefined;
  readonly room?: string;
  readonly options?: UseTopicOptions;
}

const useRoom = ({ client, room = "tides", options }: Props) =>
  useTopic(client, "rooms/:room", { room }, options);

function render(props: Omit<Props, "client"> = {}, options?: RenderHookOptions) {
  const fake = new FakeClient();
  const { client } = fake;
  const hook = renderHook(useRoom, { client, ...props }, options);
  return { fake, client, hook, topic: fake.topics.get("rooms/tides")! };
}

const texts = ({ messages }: { readonly messages: readonly ChannelMessage<unknown>[] }) =>
  messages.map(({ data }) => data);

describe("useTopic", () => {
  it("is pending until the server has accepted the subscription, and then active without messages", async () => {
    const { hook, topic } = render();
    expect(hook.current).toMatchObject({ status: "pending", messages: [], error: undefined });
    topic.subscriptions[0].options.onSubscribed!();
    const { messages } = await hook.becomes(({ status }) => status === "active");
    expect(messages).toEqual([]);
  });

  it("stays pending when a subscription that has ended is accepted", async () => {
    const { hook, topic, client } = render();
    hook.rerender({ client, room: "waves" });
    await laterTask();
    topic.subscriptions[0].options.onSubscribed!();
    expect(hook.current.status).toBe("pending");
  });

  it("subscribes when it is mounted, with the options", () => {
    const { hook, topic } = render({ options: { last: 50 } });
    expect(hook.results).toHaveLength(1);
    expect(topic.subscriptions).toHaveLength(1);
    expect(topic.subscriptions[0].options).toMatchObject({ last: 50 });
    expect(topic.subscriptions[0].options).not.toHaveProperty("onLost");
  });

  it("returns messages with their positions, the newest at the end", async () => {
    const { hook, topic } = render();
    topic.publish("one", "two");
    await hook.becomes(({ messages }) => messages.length === 2);
    topic.publish("three");
    const { messages } = await hook.becomes((state) => state.messages.length === 3);
    expect(messages.at(-1)).toEqual({ data: "three", position: "p3" });
  });

  it("renders once for many messages of one task", async () => {
    const { hook, topic } = render();
    topic.publish(...Array.from({ length: 500 }, (_, index) => `${index}`));
    await hook.becomes(({ messages }) => messages.length === 500);
    expect(hook.results.length).toBeLessThanOrEqual(4);
  });

  it("keeps the latest maxMessages, 1,000 by default", async () => {
    const { hook, topic, client } = render();
    topic.publish(...Array.from({ length: 2_500 }, (_, index) => `${index}`));
    await hook.becomes((state) => texts(state).at(-1) === "2499");
    expect(texts(hook.current)).toHaveLength(1_000);
    expect(texts(hook.current)[0]).toBe("1500");
    hook.rerender({ client, options: { maxMessages: 2 } });
    topic.publish("last");
    await hook.becomes((state) => texts(state).at(-1) === "last");
    expect(texts(hook.current)).toEqual(["2499", "last"]);
    expect(topic.subscriptions).toHaveLength(1);
  });

  it("returns the same object until something changes", () => {
    const { hook, client } = render();
    const before = hook.current;
    hook.rerender({ client, options: {} });
    expect(hook.current).toBe(before);
  });

  it("ends the subscription one task after the component is unmounted", async () => {
    const { hook, topic } = render();
    hook.unmount();
    expect(topic.subscriptions[0].isStopped).toBe(false);
    await laterTask();
    expect(topic.subscriptions[0].isStopped).toBe(true);
  });

  it("keeps one subscription in StrictMode, which mounts, unmounts and mounts", async () => {
    const { hook, topic } = render({ options: { last: 5 } }, { isStrict: true });
    await laterTask();
    expect(topic.subscriptions).toHaveLength(1);
    topic.publish("one");
    await hook.becomes((state) => texts(state).length === 1);
    expect(topic.subscriptions[0].isStopped).toBe(false);
  });

  it("does not subscribe again when only the objects of params and options are new", async () => {
    const { hook, topic, client } = render({ options: { last: 5 } });
    hook.rerender({ client, options: { last: 5 } });
    await laterTask();
    expect(topic.subscriptions).toHaveLength(1);
  });

  it("starts again without messages when the topic, the client, last or since changes", async () => {
    const { hook, topic, fake, client } = render();
    topic.publish("one");
    await hook.becomes((state) => texts(state).length === 1);
    hook.rerender({ client, room: "waves" });
    expect(hook.current).toMatchObject({ status: "pending", messages: [] });
    await laterTask();
    expect(topic.subscriptions[0].isStopped).toBe(true);
    expect(fake.topics.get("rooms/waves")!.subscriptions).toHaveLength(1);
    hook.rerender({ client, room: "waves", options: { since: "p7" } });
    const waves = fake.topics.get("rooms/waves")!;
    expect(waves.subscriptions.at(-1)!.options).toMatchObject({ since: "p7" });
    const other = new FakeClient();
    hook.rerender({ client: other.client, room: "waves", options: { since: "p7" } });
    expect(other.topics.get("rooms/waves")!.subscriptions).toHaveLength(1);
    await laterTask();
    expect(waves.subscriptions.every(({ isStopped }) => isStopped)).toBe(true);
  });

  it("fails when the subscription is refused, keeps the messages, and subscribes again with retry", async () => {
    const { hook, topic } = render({ options: { last: 5 } });
    topic.publish("one");
    const refused = new Error("FORBIDDEN");
    topic.subscriptions[0].end(refused);
    const failed = await hook.becomes(({ status }) => status === "failed");
    expect(failed.error).toBe(refused);
    expect(texts(failed)).toEqual(["one"]);
    failed.retry();
    expect(topic.subscriptions).toHaveLength(2);
    expect(topic.subscriptions[1].options).toMatchObject({ since: "p1" });
    expect(topic.subscriptions[1].options).not.toHaveProperty("last");
    await hook.becomes(({ status }) => status === "pending");
    topic.subscriptions[1].options.onSubscribed!();
    await hook.becomes(({ status }) => status === "active");
    hook.current.retry();
    expect(topic.subscriptions).toHaveLength(2);
  });

  it.each([
    [{}, { since: "q9" }],
    [{ last: 5 }, { last: 5 }],
  ])(
    "starts without messages with retry after a loss: options %j, then %j",
    async (options, expected) => {
      const { hook, topic } = render({ options });
      topic.publish("one");
      const loss = Object.assign(new Error("lost"), { reason: "epoch-changed", position: "q9" });
      topic.subscriptions[0].end(loss);
      const { error, retry, messages } = await hook.becomes(({ status }) => status === "failed");
      expect(error).toBe(loss);
      expect(messages).toHaveLength(1);
      retry();
      const { signal: _, onSubscribed, ...start } = topic.subscriptions[1].options;
      expect(start).toEqual(expected);
      onSubscribed!();
      await hook.becomes((state) => state.status === "active" && texts(state).length === 0);
    },
  );

  it("calls the latest onLost and continues", async () => {
    const losses: string[] = [];
    const onLost =
      (name: string): NonNullable<UseTopicOptions["onLost"]> =>
      ({ position }) =>
        losses.push(`${name} ${position}`);
    const { hook, topic, client } = render({ options: { onLost: onLost("first") } });
    hook.rerender({ client, options: { onLost: onLost("second") } });
    topic.subscriptions[0].options.onLost!({ reason: "missing", position: "q1" });
    expect(losses).toEqual(["second q1"]);
    expect(hook.current.status).toBe("pending");
    expect(topic.subscriptions).toHaveLength(1);
  });

  it("continues after a loss, also if messages before it were not rendered yet", async () => {
    const { hook, topic } = render({ options: { last: 5, onLost: () => {} } });
    topic.publish("one");
    // The reader has the message, and renders it in the next task.
    for (let jobs = 0; jobs < 10; jobs++) await Promise.resolve();
    topic.subscriptions[0].options.onLost!({ reason: "missing", position: "q1" });
    hook.hide();
    await laterTask();
    hook.show();
    expect(texts(hook.current)).toEqual(["one"]);
    expect(topic.subscriptions[1].options).toMatchObject({ since: "q1" });
  });

  it("continues after the last message when React hides the component and shows it again", async () => {
    const { hook, topic } = render({ options: { last: 5 } });
    topic.publish("one");
    await hook.becomes((state) => texts(state).length === 1);
    hook.hide();
    await laterTask();
    expect(topic.subscriptions[0].isStopped).toBe(true);
    hook.show();
    expect(topic.subscriptions[1].options).toMatchObject({ since: "p1" });
    topic.publish("two");
    await hook.becomes((state) => texts(state).length === 2);
    expect(texts(hook.current)).toEqual(["one", "two"]);
  });

  it("is idle without a client", () => {
    const hook = renderHook(useRoom, { client: undefined });
    expect(hook.current).toMatchObject({ status: "idle", messages: [], error: undefined });
    hook.current.retry();
  });

  it("is idle while rendering on a server, and opens nothing", async () => {
    const fake = new FakeClient();
    const { status } = renderHookOnServer(() => useRoom({ client: fake.client }));
    await laterTask();
    expect(status).toBe("idle");
    expect(fake.topics.get("rooms/tides")!.subscriptions).toEqual([]);
  });
});
