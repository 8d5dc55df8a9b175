// @vitest-environment jsdom
import { describe, expect, it } from "vitest";
import { useStream, type UseStreamOptions } from "tideway/react";
import type { ChannelClient } from "../../src/channels/client/client-interface.ts";
import { iterate } from "../../src/channels/client/iterate.ts";
import { startStream } from "../../src/channels/client/start-stream.ts";
import { SessionPeer } from "../channels/wire/session-peer.ts";
import { FakeClient } from "./fake-client.ts";
import {
  laterTask,
  renderHook,
  renderHookOnServer,
  type RenderHookOptions,
} from "./render-hook.ts";

interface Props {
  readonly client: ChannelClient | undefined;
  readonly input?: unknown;
  readonly options?: UseStreamOptions;
}

const useSearch = ({ client, input = { text: "tide" }, options }: Props) =>
  useStream(client, "search", input, options);

function render(props: Omit<Props, "client"> = {}, options?: RenderHookOptions) {
  const fake = new FakeClient();
  const { client, streams } = fake;
  const hook = renderHook(useSearch, { client, ...props }, options);
  return { fake, client, hook, streams };
}

describe("useStream", () => {
  it("starts the stream when it is mounted, and is active until the stream ends", async () => {
    const { fake, hook, streams } = render();
    expect(hook.current).toMatchObject({ status: "active", items: [], error: undefined });
    expect(streams).toHaveLength(1);
    expect(streams[0].name).toBe("search");
    expect(fake.inputs).toEqual([{ text: "tide" }]);
    streams[0].add(1, 2);
    await hook.becomes(({ items }) => items.length === 2);
    expect(hook.current.status).toBe("active");
    streams[0].add(3);
    streams[0].end();
    const ended = await hook.becomes(({ status }) => status === "ended");
    expect(ended).toMatchObject({ items: [1, 2, 3], error: undefined });
  });

  it("keeps the latest maxItems", async () => {
    const { hook, streams } = render({ options: { maxItems: 2 } });
    streams[0].add(1, 2, 3, 4, 5);
    streams[0].end();
    const { items } = await hook.becomes(({ status }) => status === "ended");
    expect(items).toEqual([4, 5]);
  });

  it("fails with the error of the stream and keeps the items, and starts again with restart", async () => {
    const { hook, streams } = render({ options: { lastId: "7" } });
    expect(streams[0].options).toMatchObject({ lastId: "7" });
    const error = new Error("INTERNAL");
    streams[0].add(1);
    streams[0].end(error);
    const failed = await hook.becomes(({ status }) => status === "failed");
    expect(failed).toMatchObject({ items: [1], error });
    failed.restart();
    const restarted = await hook.becomes(({ status }) => status === "active");
    expect(restarted.items).toEqual([]);
    streams[1].add(2);
    await hook.becomes(({ items }) => items[0] === 2);
  });

  it("cancels a running stream with restart", async () => {
    const { hook, streams } = render();
    streams[0].add(1);
    await hook.becomes(({ items }) => items.length === 1);
    hook.current.restart();
    await hook.becomes(({ items }) => items.length === 0);
    await laterTask();
    expect(streams.map(({ isStopped }) => isStopped)).toEqual([true, false]);
  });

  it("starts again when the input has other JSON, and not for another object", async () => {
    const { client, hook, streams } = render();
    hook.rerender({ client, input: { text: "tide" } });
    expect(streams).toHaveLength(1);
    hook.rerender({ client, input: { text: "wave" } });
    expect(streams).toHaveLength(2);
    hook.rerender({ client, input: new Uint8Array([1, 2]) });
    hook.rerender({ client, input: new Uint8Array([1, 2]) });
    expect(streams).toHaveLength(3);
    await laterTask();
    expect(streams.map(({ isStopped }) => isStopped)).toEqual([true, true, false]);
  });

  it.each([
    ["a BigInt", () => ({ count: 1n })],
    [
      "a circular value",
      () => {
        const input: Record<string, unknown> = {};
        input["self"] = input;
        return input;
      },
    ],
  ])("fails with INVALID_DATA if the input has %s, until it has another input", async (_, make) => {
    const peer = new SessionPeer();
    peer.connect();
    const stream = (name: string, input: unknown, options: object) =>
      iterate(() => startStream(peer.session, name, input, undefined), options);
    const client = { stream } as unknown as ChannelClient;
    const hook = renderHook(useSearch, { client, input: make() });
    const failed = await hook.becomes(({ status }) => status === "failed");
    expect(failed.error).toMatchObject({ code: "INVALID_DATA" });
    hook.rerender({ client, input: make() });
    expect(hook.current).toBe(failed);
    expect(peer.take()).toEqual([]);
    hook.rerender({ client, input: { count: 1 } });
    expect(hook.current.status).toBe("active");
    await laterTask();
    expect(peer.take()).toMatchObject([{ type: "stream", input: { count: 1 } }]);
  });

  it("cancels the stream one task after the component is unmounted", async () => {
    const { hook, streams } = render();
    hook.unmount();
    expect(streams[0].options.signal!.aborted).toBe(false);
    await laterTask();
    expect(streams[0].options.signal!.aborted).toBe(true);
  });

  it("starts one stream in StrictMode", async () => {
    const { hook, streams } = render({}, { isStrict: true });
    await laterTask();
    expect(streams).toHaveLength(1);
    streams[0].add(1);
    await hook.becomes(({ items }) => items.length === 1);
  });

  it("starts a hidden stream again, and keeps the items of a stream that has ended", async () => {
    const { hook, streams } = render();
    streams[0].add(1);
    await hook.becomes(({ items }) => items.length === 1);
    hook.hide();
    await laterTask();
    hook.show();
    expect(streams).toHaveLength(2);
    streams[1].add(2);
    streams[1].end();
    await hook.becomes(({ status }) => status === "ended");
    hook.hide();
    await laterTask();
    hook.show();
    expect(streams).toHaveLength(2);
    expect(hook.current.items).toEqual([2]);
  });

  it("is idle without a client, and while rendering on a server", async () => {
    const hook = renderHook(useSearch, { client: undefined });
    expect(hook.current).toMatchObject({ status: "idle", items: [], error: undefined });
    hook.current.restart();
    const fake = new FakeClient();
    expect(renderHookOnServer(() => useSearch({ client: fake.client })).status).toBe("idle");
    await laterTask();
    expect(fake.streams).toEqual([]);
  });
});
