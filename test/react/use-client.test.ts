// @vitest-environment jsdom
import { describe, expect, it } from "vitest";
import { useClient } from "tideway/react";
import { FakeClient } from "./fake-client.ts";
import { laterTask, renderHook, renderHookOnServer } from "./render-hook.ts";

function setUp() {
  const created: FakeClient[] = [];
  const useNewClient = () =>
    useClient(() => {
      const fake = new FakeClient();
      created.push(fake);
      return fake.client;
    });
  return { created, useNewClient };
}

describe("useClient", () => {
  it("creates the client when it is mounted, and closes it one task after it is unmounted", async () => {
    const { created, useNewClient } = setUp();
    const hook = renderHook(useNewClient, undefined);
    await hook.becomes((client) => client !== undefined);
    expect(hook.results[0]).toBeUndefined();
    expect(hook.current).toBe(created[0]);
    hook.rerender(undefined);
    hook.unmount();
    expect(created[0].isClosed).toBe(false);
    await laterTask();
    expect(created).toHaveLength(1);
    expect(created[0].isClosed).toBe(true);
  });

  it("creates one client in StrictMode, and does not close it", async () => {
    const { created, useNewClient } = setUp();
    const hook = renderHook(useNewClient, undefined, { isStrict: true });
    await hook.becomes((client) => client !== undefined);
    await laterTask();
    expect(created.map(({ isClosed }) => isClosed)).toEqual([false]);
  });

  it("closes the client of a component that React hides, and creates another one when it shows it", async () => {
    const { created, useNewClient } = setUp();
    const hook = renderHook(useNewClient, undefined);
    hook.hide();
    await laterTask();
    hook.show();
    await hook.becomes((client) => (client as unknown) === created[1]);
    expect(created.map(({ isClosed }) => isClosed)).toEqual([true, false]);
  });

  it("returns undefined while rendering on a server, and creates nothing", () => {
    const { created, useNewClient } = setUp();
    expect(renderHookOnServer(useNewClient)).toBeUndefined();
    expect(created).toEqual([]);
  });
});
