import { describe, expect, it } from "vitest";
import { eventsOf } from "../../../src/channels/client/events.ts";
import { createFlow } from "../../../src/channels/wire/credit-flow.ts";
import { turn } from "../wire/session-peer.ts";
import { uncaughtErrorsOf } from "../../support/uncaught-errors.ts";

describe("the events of a flow", () => {
  it("reach each listener in order, from when it listens until it cancels", async () => {
    const flow = createFlow<number>();
    const events = eventsOf(flow.read);
    flow.push(0);
    const [first, second]: number[][] = [[], []];
    const subscription = events.listen((event) => first.push(event));
    flow.push(1);
    events.listen((event) => second.push(event));
    flow.push(2);
    expect(first).toEqual([]);
    await turn();
    subscription.cancel();
    flow.push(3);
    await turn();
    expect([first, second]).toEqual([
      [1, 2],
      [2, 3],
    ]);
  });

  it("end with onDone and the error, but not after cancel", async () => {
    const flow = createFlow<number>();
    const events = eventsOf(flow.read);
    const ends: unknown[] = [];
    events.listen(() => {}, { onDone: (error) => ends.push(["first", error]) });
    events.listen(() => {}, { onDone: (error) => ends.push(["second", error]) }).cancel();
    const error = new Error("lost");
    flow.push(1);
    flow.end(error);
    await turn();
    expect(ends).toEqual([["first", error]]);
    // A listener that comes later learns of the end too.
    events.listen(() => {}, { onDone: (reason) => ends.push(["late", reason]) });
    await turn();
    expect(ends.at(-1)).toEqual(["late", error]);
  });

  it("stop within a listener that cancels", async () => {
    const flow = createFlow<number>();
    const seen: number[] = [];
    const subscription = eventsOf(flow.read).listen((event) => {
      seen.push(event);
      subscription.cancel();
    });
    flow.push(1);
    flow.push(2);
    await turn();
    expect(seen).toEqual([1]);
  });

  it("continue after an error of a listener, which is reported as uncaught", async () => {
    const flow = createFlow<number>();
    const seen: number[] = [];
    const errors = await uncaughtErrorsOf(async () => {
      eventsOf(flow.read).listen((event) => {
        seen.push(event);
        if (event === 1) throw new Error("of the listener");
      });
      flow.push(1);
      flow.push(2);
      await turn();
    });
    expect(seen).toEqual([1, 2]);
    expect(errors).toEqual([expect.objectContaining({ message: "of the listener" })]);
  });

  it("can be iterated over, by any number of loops", async () => {
    const flow = createFlow<number>();
    const events = eventsOf(flow.read);
    const collect = async (): Promise<number[]> => {
      const seen: number[] = [];
      for await (const event of events) seen.push(event);
      return seen;
    };
    const loops = [collect(), collect()];
    flow.push(1);
    flow.push(2);
    flow.end();
    expect(await Promise.all(loops)).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });
});
