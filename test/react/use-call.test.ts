// @vitest-environment jsdom
import { describe, expect, it } from "vitest";
import { useCall } from "tideway/react";
import type { ChannelClient } from "../../src/channels/client/client-interface.ts";
import { FakeClient } from "./fake-client.ts";
import { renderHook, renderHookOnServer } from "./render-hook.ts";

interface Props {
  readonly client: ChannelClient | undefined;
  readonly name?: string;
}

const useAdd = ({ client, name = "math/add" }: Props) => useCall(client, name);

function render() {
  const fake = new FakeClient();
  const { client, calls } = fake;
  return { client, calls, hook: renderHook(useAdd, { client }, { isStrict: true }) };
}

describe("useCall", () => {
  it("calls nothing when it is mounted", () => {
    const { calls, hook } = render();
    expect(hook.current).toMatchObject({ status: "idle", output: undefined, error: undefined });
    expect(calls).toEqual([]);
  });

  it("is pending and then succeeded, and resolves with the output", async () => {
    const { calls, hook } = render();
    const result = hook.current.call({ a: 1, b: 2 }, { timeoutMs: 5_000 });
    await hook.becomes(({ status }) => status === "pending");
    expect(calls[0]).toMatchObject({
      name: "math/add",
      input: { a: 1, b: 2 },
      options: { timeoutMs: 5_000 },
    });
    calls[0].settle({ output: { sum: 3 } });
    expect(await result).toEqual({ output: { sum: 3 } });
    await hook.becomes(({ status }) => status === "succeeded");
    expect(hook.current).toMatchObject({ output: { sum: 3 }, error: undefined });
  });

  it("succeeds without an output", async () => {
    const { calls, hook } = render();
    void hook.current.call();
    calls[0].settle({ output: undefined });
    await hook.becomes(({ status }) => status !== "pending");
    expect(hook.current.status).toBe("succeeded");
  });

  it("fails with the error, and resolves with it", async () => {
    const { calls, hook } = render();
    const result = hook.current.call({});
    const error = Object.assign(new Error("overflow"), { code: "overflow" });
    calls[0].settle({ error });
    expect(await result).toEqual({ error });
    await hook.becomes(({ status }) => status === "failed");
    expect(hook.current).toMatchObject({ output: undefined, error });
  });

  it("has the state of the latest call, whichever answer comes first", async () => {
    const { calls, hook } = render();
    const first = hook.current.call(1);
    void hook.current.call(2);
    calls[1].settle({ output: "two" });
    await hook.becomes(({ status }) => status === "succeeded");
    calls[0].settle({ output: "one" });
    expect(await first).toEqual({ output: "one" });
    expect(hook.current.output).toBe("two");
  });

  it("fails with the error of a schema that throws", async () => {
    const { calls, hook } = render();
    const error = new TypeError("the schema failed");
    void hook.current.call(1).catch(() => {});
    calls[0].cancel(error);
    await hook.becomes(({ status }) => status !== "pending");
    expect(hook.current).toMatchObject({ status: "failed", output: undefined, error });
  });

  it("is idle after a cancel by its signal, and an ignored promise is not an uncaught error", async () => {
    const { calls, hook } = render();
    const controller = new AbortController();
    void hook.current.call(1, { signal: controller.signal });
    await hook.becomes(({ status }) => status === "pending");
    controller.abort(new Error("aborted"));
    calls[0].cancel(controller.signal.reason as Error);
    await hook.becomes(({ status }) => status !== "pending");
    expect(hook.current.status).toBe("idle");
  });

  it("is idle after reset, also when a pending call is answered", async () => {
    const { calls, hook } = render();
    const result = hook.current.call(1);
    hook.current.reset();
    await hook.becomes(({ status }) => status === "idle");
    calls[0].settle({ output: "one" });
    await result;
    expect(hook.current.status).toBe("idle");
  });

  it("keeps its functions until the client or the name changes", async () => {
    const { client, calls, hook } = render();
    const { call } = hook.current;
    void call(1);
    hook.rerender({ client });
    expect(hook.current.call).toBe(call);
    hook.rerender({ client, name: "math/subtract" });
    expect(hook.current.call).not.toBe(call);
    expect(hook.current.status).toBe("idle");
    void hook.current.call(1);
    expect(calls.map(({ name }) => name)).toEqual(["math/add", "math/subtract"]);
  });

  it("throws NO_CLIENT from call without a client, and is idle on a server", () => {
    const hook = renderHook(useAdd, { client: undefined });
    expect(hook.current.status).toBe("idle");
    expect(() => hook.current.call(1)).toThrow(expect.objectContaining({ code: "NO_CLIENT" }));
    const fake = new FakeClient();
    expect(renderHookOnServer(() => useAdd({ client: fake.client })).status).toBe("idle");
  });
});
