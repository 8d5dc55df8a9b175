// @vitest-environment jsdom
import { describe, expect, it } from "vitest";
import { useConnectionState } from "tideway/react";
import { FakeClient } from "./fake-client.ts";
import { renderHook, renderHookOnServer } from "./render-hook.ts";

describe("useConnectionState", () => {
  it("returns the state of the client, and renders when it changes", async () => {
    const fake = new FakeClient();
    const hook = renderHook(useConnectionState, fake.client, { isStrict: true });
    expect(hook.current).toBe("connecting");
    for (const state of ["open", "waiting", "connecting", "closed"] as const) {
      fake.setState(state);
      await hook.becomes((current) => current === state);
    }
  });

  it("stops listening when the component is unmounted", () => {
    const fake = new FakeClient();
    const hook = renderHook(useConnectionState, fake.client, { isStrict: true });
    expect(fake.stateListeners).toBe(1);
    hook.unmount();
    expect(fake.stateListeners).toBe(0);
  });

  it("follows another client", () => {
    const [first, second] = [new FakeClient(), new FakeClient()];
    second.setState("open");
    const hook = renderHook(useConnectionState, first.client);
    hook.rerender(second.client);
    expect(hook.current).toBe("open");
    expect([first.stateListeners, second.stateListeners]).toEqual([0, 1]);
  });

  it("is connecting without a client, and while rendering on a server", () => {
    expect(renderHook(useConnectionState, undefined).current).toBe("connecting");
    const fake = new FakeClient();
    fake.setState("open");
    expect(renderHookOnServer(() => useConnectionState(fake.client))).toBe("connecting");
  });
});
