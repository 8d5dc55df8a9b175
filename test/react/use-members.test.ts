// @vitest-environment jsdom
import { describe, expect, it } from "vitest";
import { useMembers } from "tideway/react";
import type { ChannelClient } from "../../src/channels/client/client-interface.ts";
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
}

const useRoom = ({ client, room = "tides" }: Props) => useMembers(client, "rooms/:room", { room });

function render(options?: RenderHookOptions) {
  const fake = new FakeClient();
  const { client } = fake;
  const hook = renderHook(useRoom, { client }, options);
  return { fake, client, hook, topic: fake.topics.get("rooms/tides")! };
}

describe("useMembers", () => {
  it("is pending until the client knows the members, and then follows their changes", () => {
    const { hook, topic } = render();
    expect(hook.current).toMatchObject({ status: "pending", members: [], error: undefined });
    topic.setMembers("ana");
    topic.setMembers("ana", "bo");
    return hook.becomes(({ status, members }) => status === "active" && members.length === 2);
  });

  it("stops watching one task after the component is unmounted", async () => {
    const { hook, topic } = render();
    hook.unmount();
    expect(topic.watches[0].isStopped).toBe(false);
    await laterTask();
    expect(topic.watches[0].isStopped).toBe(true);
  });

  it("watches once in StrictMode", async () => {
    const { topic } = render({ isStrict: true });
    await laterTask();
    expect(topic.watches.map(({ isStopped }) => isStopped)).toEqual([false]);
  });

  it("watches another topic when its name changes", async () => {
    const { hook, topic, client, fake } = render();
    topic.setMembers("ana");
    hook.rerender({ client, room: "waves" });
    expect(hook.current).toMatchObject({ status: "pending", members: [] });
    await laterTask();
    expect(topic.watches[0].isStopped).toBe(true);
    expect(fake.topics.get("rooms/waves")!.watches).toHaveLength(1);
  });

  it("fails when the server refuses or ends it, keeps the members, and watches again with retry", async () => {
    const { hook, topic } = render();
    topic.setMembers("ana");
    const refused = new Error("FORBIDDEN");
    topic.watches[0].onDone(refused);
    const failed = await hook.becomes(({ status }) => status === "failed");
    expect(failed.error).toBe(refused);
    expect(failed.members).toHaveLength(1);
    failed.retry();
    await hook.becomes(({ status }) => status === "pending");
    topic.setMembers("bo");
    await hook.becomes(({ status }) => status === "active");
    hook.current.retry();
    expect(topic.watches).toHaveLength(2);
  });

  it("is idle without a client, and while rendering on a server", async () => {
    const hook = renderHook(useRoom, { client: undefined });
    expect(hook.current).toMatchObject({ status: "idle", members: [], error: undefined });
    hook.current.retry();
    const fake = new FakeClient();
    expect(renderHookOnServer(() => useRoom({ client: fake.client })).status).toBe("idle");
    await laterTask();
    expect(fake.topics.get("rooms/tides")!.watches).toEqual([]);
  });
});
