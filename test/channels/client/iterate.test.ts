import { getEventListeners } from "node:events";
import { describe, expect, it, vi } from "vitest";
import { iterate } from "../../../src/channels/client/iterate.ts";
import { PublicationsLostError } from "../../../src/channels/wire/channel-error.ts";
import { type CreditFlow, createFlow } from "../../../src/channels/wire/credit-flow.ts";

/** A flow, and whether its last reader has been closed. */
function open(): {
  flow: CreditFlow<unknown>;
  onUnread: () => void;
  read: CreditFlow<unknown>["read"];
} {
  const onUnread = vi.fn();
  const flow = createFlow<unknown>(0, undefined, onUnread);
  return { flow, onUnread, read: vi.fn(() => flow.read()) };
}

const done = { done: true, value: undefined };

describe("an iteration", () => {
  it("opens the flow with its first next, and yields values until the end", async () => {
    const { flow, onUnread, read } = open();
    const iterator = iterate(read);
    flow.push("before");
    expect(read).not.toHaveBeenCalled();
    const first = iterator.next();
    flow.push(1);
    flow.push(2);
    flow.end();
    expect([await first, await iterator.next(), await iterator.next()]).toEqual([
      { done: false, value: 1 },
      { done: false, value: 2 },
      done,
    ]);
    expect(onUnread).toHaveBeenCalledTimes(1);
  });

  it("throws the error that ends the flow, after its values", async () => {
    const { flow, onUnread, read } = open();
    const iterator = iterate(read);
    const first = iterator.next();
    flow.push(1);
    flow.end(new Error("lost"));
    expect(await first).toMatchObject({ value: 1 });
    await expect(iterator.next()).rejects.toThrow("lost");
    expect(await iterator.next()).toEqual(done);
    expect(onUnread).toHaveBeenCalledTimes(1);
  });

  it("closes the reader at break", async () => {
    const { flow, onUnread, read } = open();
    const iterator = iterate(read);
    const first = iterator.next();
    flow.push(1);
    await first;
    await iterator.return();
    expect(onUnread).toHaveBeenCalledTimes(1);
    expect(await iterator.next()).toEqual(done);
  });

  it("ends a next that waits when return is called", async () => {
    const { onUnread, read } = open();
    const iterator = iterate(read);
    const waiting = iterator.next();
    await Promise.all([iterator.return(), expect(waiting).resolves.toEqual(done)]);
    expect(onUnread).toHaveBeenCalledTimes(1);
  });

  it("opens nothing if return is called first", async () => {
    const { read } = open();
    const iterator = iterate(read);
    await iterator.return();
    expect(await iterator.next()).toEqual(done);
    expect(read).not.toHaveBeenCalled();
  });
});

describe("a signal", () => {
  it("that has aborted already rejects the first next, and opens nothing", async () => {
    const { read } = open();
    const signal = AbortSignal.abort(new Error("stop"));
    await expect(iterate(read, { signal }).next()).rejects.toThrow("stop");
    expect(read).not.toHaveBeenCalled();
  });

  it("ends a next that waits, with its reason", async () => {
    const { onUnread, read } = open();
    const controller = new AbortController();
    const waiting = iterate(read, { signal: controller.signal }).next();
    controller.abort(new Error("stop"));
    await expect(waiting).rejects.toThrow("stop");
    expect(onUnread).toHaveBeenCalledTimes(1);
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  });

  it("closes the reader at once, while the loop is busy", async () => {
    const { flow, onUnread, read } = open();
    const controller = new AbortController();
    const iterator = iterate(read, { signal: controller.signal });
    const first = iterator.next();
    flow.push(1);
    flow.push(2);
    await first;
    controller.abort(new Error("stop"));
    expect(onUnread).toHaveBeenCalledTimes(1);
    await expect(iterator.next()).rejects.toThrow("stop");
  });

  it("has no listener after the end", async () => {
    const { flow, read } = open();
    const { signal } = new AbortController();
    const iterator = iterate(read, { signal });
    const first = iterator.next();
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    flow.end();
    await first;
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});

describe("a loss", () => {
  const loss = new PublicationsLostError("missing", "e:9");

  it("is thrown without onLost", async () => {
    const { flow, read } = open();
    const first = iterate(read).next();
    flow.push(loss);
    await expect(first).rejects.toBe(loss);
  });

  it("is passed to onLost at its place, and the iteration continues", async () => {
    const { flow, read } = open();
    const seen: unknown[] = [];
    const iterator = iterate(read, { onLost: (error) => seen.push(error) });
    const first = iterator.next();
    for (const value of [1, loss, 2]) flow.push(value);
    seen.push((await first).value);
    const { value } = await iterator.next();
    expect([...seen, value]).toEqual([1, loss, 2]);
  });

  it("is not mistaken for another error, which ends the iteration", async () => {
    const { flow, onUnread, read } = open();
    const onLost = vi.fn();
    const first = iterate(read, { onLost }).next();
    flow.push(new Error("other"));
    await expect(first).rejects.toThrow("other");
    expect(onLost).not.toHaveBeenCalled();
    expect(onUnread).toHaveBeenCalledTimes(1);
  });
});
