import { describe, expect, it } from "vitest";
import { Fifo } from "../../src/streams/fifo.ts";

describe("a Fifo", () => {
  it("returns the items in the order in which they were added, also between removals", () => {
    const fifo = new Fifo<number>();
    const taken: unknown[] = [];
    fifo.push(1);
    fifo.push(2);
    taken.push(fifo.shift());
    fifo.push(3);
    expect(fifo.size).toBe(2);
    taken.push(fifo.shift(), fifo.shift(), fifo.shift());
    fifo.push(4);
    taken.push(fifo.shift());
    expect(taken).toEqual([1, 2, 3, undefined, 4]);
    expect(fifo.size).toBe(0);
  });
});
