import { describe, expect, it } from "vitest";
import { type Flushable, FlushQueue } from "../../src/connection/flush-queue.ts";

describe("a FlushQueue", () => {
  /** Creates a queue and a function that ends a turn of the event loop. */
  function createQueue(): { queue: FlushQueue; endTurn: () => void } {
    const deferred: Array<() => void> = [];
    const queue = new FlushQueue((callback) => deferred.push(callback));
    return { queue, endTurn: () => deferred.shift()?.() };
  }

  it("flushes the connections of a turn at its end, in order", () => {
    const { queue, endTurn } = createQueue();
    const flushed: string[] = [];
    for (const name of ["a", "b"]) queue.add({ flush: () => void flushed.push(name) });
    expect(flushed).toEqual([]);
    endTurn();
    expect(flushed).toEqual(["a", "b"]);
  });

  it("flushes the other connections in the next turn if one of them throws", () => {
    const { queue, endTurn } = createQueue();
    const flushed: string[] = [];
    const late = { flush: () => void flushed.push("late") };
    const failing = {
      flush(): void {
        queue.add(late);
        throw new Error("the write failed");
      },
    };
    queue.add({ flush: () => void flushed.push("first") });
    queue.add(failing);
    queue.add({ flush: () => void flushed.push("last") });
    expect(endTurn).toThrow("the write failed");
    endTurn();
    endTurn();
    expect(flushed).toEqual(["first", "late", "last"]);
  });

  it("flushes everything at once when it stops deferring, and each later connection too", () => {
    const { queue, endTurn } = createQueue();
    const flushed: string[] = [];
    const flushable = (name: string): Flushable => ({ flush: () => void flushed.push(name) });
    queue.add(flushable("waiting"));
    queue.receiving = { stopReceiving: () => void flushed.push("receiving") };
    queue.stopDeferring();
    expect(flushed).toEqual(["receiving", "waiting"]);
    queue.add(flushable("later"));
    expect(flushed).toEqual(["receiving", "waiting", "later"]);
    endTurn();
    expect(flushed).toHaveLength(3);
  });
});
