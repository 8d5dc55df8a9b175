import { describe, expect, expectTypeOf, it, vi } from "vitest";
import { EventStream } from "../../src/streams/event-stream.ts";
import type { Subscription } from "../../src/streams/subscription.ts";
import { uncaughtErrorsOf } from "../support/uncaught-errors.ts";

/** A stream with events from the test. */
function makeStream(): {
  stream: EventStream<number>;
  emit: (...events: number[]) => void;
  end: () => void;
  listeners: () => number;
} {
  const sinks = new Set<{ onEvent: (event: number) => void; onDone: () => void }>();
  const stream = new EventStream<number>((onEvent, onDone) => {
    const sink = { onEvent, onDone };
    sinks.add(sink);
    return () => sinks.delete(sink);
  });
  return {
    stream,
    emit: (...events) => {
      for (const event of events) for (const sink of new Set(sinks)) sink.onEvent(event);
    },
    end: () => {
      for (const sink of new Set(sinks)) sink.onDone();
    },
    listeners: () => sinks.size,
  };
}

describe("listen", () => {
  it("attaches to the source on the first listener and detaches on cancel", () => {
    const { stream, emit, listeners } = makeStream();
    expect(listeners()).toBe(0);
    const a: number[] = [];
    const b: number[] = [];
    const subscription = stream.listen((event) => a.push(event));
    stream.listen((event) => b.push(event));
    emit(1);
    subscription.cancel();
    subscription.cancel();
    emit(2);
    expect([a, b]).toEqual([[1], [1, 2]]);
    expect(listeners()).toBe(1);
  });

  it("calls onDone once at the end, and delivers nothing afterwards", () => {
    const { stream, emit, end, listeners } = makeStream();
    const calls: unknown[] = [];
    stream.listen((event) => calls.push(event), { onDone: () => calls.push("done") });
    emit(1);
    end();
    end();
    emit(2);
    expect(calls).toEqual([1, "done"]);
    expect(listeners()).toBe(0);
  });

  it("does not call onDone after cancel", () => {
    const { stream, end } = makeStream();
    const onDone = vi.fn();
    stream.listen(() => {}, { onDone }).cancel();
    end();
    expect(onDone).not.toHaveBeenCalled();
  });

  it("delivers an event that occurs while another is handled afterwards", () => {
    const { stream, emit } = makeStream();
    const calls: string[] = [];
    stream.listen((event) => {
      calls.push(`start ${event}`);
      if (event === 1) emit(2);
      calls.push(`end ${event}`);
    });
    emit(1);
    expect(calls).toEqual(["start 1", "end 1", "start 2", "end 2"]);
  });

  it("reports an error of a listener as uncaught and continues", async () => {
    const { stream, emit } = makeStream();
    const observed: number[] = [];
    stream.listen((event) => {
      observed.push(event);
      if (event === 1) throw new Error("from the listener");
    });
    const uncaught = await uncaughtErrorsOf(() => emit(1, 2));
    expect(observed).toEqual([1, 2]);
    expect(uncaught).toEqual([new Error("from the listener")]);
  });
});

describe("a subscription", () => {
  it("holds events back while paused and loses none", () => {
    const { stream, emit } = makeStream();
    const observed: number[] = [];
    const subscription = stream.listen((event) => observed.push(event));
    subscription.pause();
    subscription.pause();
    expect(subscription.isPaused).toBe(true);
    emit(1, 2);
    expect(observed).toEqual([]);
    subscription.resume();
    expect(subscription.isPaused).toBe(false);
    emit(3);
    expect(observed).toEqual([1, 2, 3]);
  });

  it("can be paused again in an event that resume delivers", () => {
    const { stream, emit } = makeStream();
    const observed: number[] = [];
    const subscription = stream.listen((event) => {
      observed.push(event);
      if (event === 2) subscription.pause();
    });
    subscription.pause();
    emit(1, 2, 3);
    subscription.resume();
    emit(4);
    expect(observed).toEqual([1, 2]);
    subscription.resume();
    expect(observed).toEqual([1, 2, 3, 4]);
  });

  it("holds the end back while paused", () => {
    const { stream, emit, end } = makeStream();
    const calls: unknown[] = [];
    const subscription = stream.listen((event) => calls.push(event), {
      onDone: () => calls.push("done"),
    });
    subscription.pause();
    emit(1);
    end();
    expect(calls).toEqual([]);
    subscription.resume();
    subscription.resume();
    expect(calls).toEqual([1, "done"]);
  });

  it("delivers no held events after cancel", () => {
    const { stream, emit } = makeStream();
    const observed: number[] = [];
    const subscription = stream.listen((event) => observed.push(event));
    subscription.pause();
    emit(1);
    subscription.cancel();
    subscription.resume();
    expect(observed).toEqual([]);
  });

  it("stops when cancelled within an event that resume delivers", () => {
    const { stream, emit } = makeStream();
    const observed: number[] = [];
    const subscription: Subscription = stream.listen((event) => {
      observed.push(event);
      subscription.cancel();
    });
    subscription.pause();
    emit(1, 2);
    subscription.resume();
    expect(observed).toEqual([1]);
  });

  it("is cancelled by Symbol.dispose, as at the end of a using block", () => {
    const { stream, listeners } = makeStream();
    stream.listen(() => {})[Symbol.dispose]();
    expect(listeners()).toBe(0);
  });
});

describe("first", () => {
  it("resolves with the next event and then detaches", async () => {
    const { stream, emit, listeners } = makeStream();
    const first = stream.first;
    emit(1, 2);
    expect(await first).toBe(1);
    expect(listeners()).toBe(0);
  });

  it("waits for another event at each read", async () => {
    const { stream, emit } = makeStream();
    const first = stream.first;
    emit(1);
    const second = stream.first;
    emit(2);
    expect(await Promise.all([first, second])).toEqual([1, 2]);
  });

  it("rejects when the stream ends without an event, silently if it is not awaited", async () => {
    const { stream, end } = makeStream();
    const first = stream.first;
    expect(await uncaughtErrorsOf(end)).toEqual([]);
    await expect(first).rejects.toMatchObject({ name: "TidewayError", code: "STREAM_ENDED" });
  });
});

describe("iteration", () => {
  it("yields the events since its start, in order, until the end", async () => {
    const { stream, emit, end } = makeStream();
    const observed: number[] = [];
    const iterator = stream[Symbol.asyncIterator]();
    emit(1, 2);
    end();
    for await (const event of iterator) observed.push(event);
    expect(observed).toEqual([1, 2]);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it("gives each iterator a separate buffer", async () => {
    const { stream, emit } = makeStream();
    const a = stream[Symbol.asyncIterator]();
    emit(1);
    const b = stream[Symbol.asyncIterator]();
    emit(2);
    expect([(await a.next()).value, (await a.next()).value]).toEqual([1, 2]);
    expect((await b.next()).value).toBe(2);
  });

  it("settles earlier calls of next in order, and all of them at the end", async () => {
    const { stream, emit, end } = makeStream();
    const iterator = stream[Symbol.asyncIterator]();
    const results = [iterator.next(), iterator.next(), iterator.next()];
    emit(1, 2);
    end();
    expect(await Promise.all(results)).toEqual([
      { done: false, value: 1 },
      { done: false, value: 2 },
      { done: true, value: undefined },
    ]);
  });

  it("detaches and discards buffered events when the loop is left", async () => {
    const { stream, emit, listeners } = makeStream();
    const iterator = stream[Symbol.asyncIterator]();
    emit(1, 2, 3);
    for await (const event of iterator) {
      expect(event).toBe(1);
      break;
    }
    expect(listeners()).toBe(0);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it("throws after 65,536 buffered events, which it still yields, and detaches", async () => {
    const { stream, emit, listeners } = makeStream();
    const iterator = stream[Symbol.asyncIterator]();
    for (let event = 0; event < 65_536; event++) emit(event);
    expect(listeners()).toBe(1);
    emit(65_536);
    expect(listeners()).toBe(0);
    const events: unknown[] = [];
    for (let event = 0; event < 65_536; event++) events.push((await iterator.next()).value);
    expect(events).toEqual([...Array(65_536).keys()]);
    await expect(iterator.next()).rejects.toMatchObject({ code: "EVENT_OVERFLOW" });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it("detaches at the end of an await using block", async () => {
    const { stream, emit, listeners } = makeStream();
    const iterator = stream[Symbol.asyncIterator]();
    emit(1);
    await iterator[Symbol.asyncDispose]();
    expect(listeners()).toBe(0);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it("settles pending calls of next on return", async () => {
    const { stream } = makeStream();
    const iterator = stream[Symbol.asyncIterator]();
    const waiting = iterator.next();
    await iterator.return();
    expect(await waiting).toEqual({ done: true, value: undefined });
  });

  it("has the type of the events", () => {
    const { stream } = makeStream();
    expectTypeOf(stream).toExtend<AsyncIterable<number>>();
    expectTypeOf(stream.first).toEqualTypeOf<Promise<number>>();
  });
});

describe("where and map", () => {
  it("filter and convert events in listen, first and iteration", async () => {
    const { stream, emit, end } = makeStream();
    const texts = stream.where((event) => event % 2 === 0).map((event) => `<${event}>`);
    const observed: string[] = [];
    texts.listen((text) => observed.push(text), { onDone: () => observed.push("done") });
    const first = texts.first;
    const iterator = texts[Symbol.asyncIterator]();
    emit(1, 2, 3, 4);
    end();
    expect(observed).toEqual(["<2>", "<4>", "done"]);
    expect(await first).toBe("<2>");
    const iterated: string[] = [];
    for await (const text of iterator) iterated.push(text);
    expect(iterated).toEqual(["<2>", "<4>"]);
  });

  it("attach to the source only while there is a listener", () => {
    const { stream, listeners } = makeStream();
    const derived = stream.where(() => true).map(String);
    expect(listeners()).toBe(0);
    const subscription = derived.listen(() => {});
    expect(listeners()).toBe(1);
    subscription.cancel();
    expect(listeners()).toBe(0);
  });

  it("narrow the type of the events", () => {
    const stream = new EventStream<number | string>(() => () => {});
    const isText = (event: number | string): event is string => typeof event === "string";
    expectTypeOf(stream.where(isText)).toEqualTypeOf<EventStream<string>>();
    expectTypeOf(stream.map(Boolean)).toEqualTypeOf<EventStream<boolean>>();
  });
});

describe("until", () => {
  it("ends listeners with the reason when the signal is aborted, and detaches", () => {
    const { stream, emit, listeners } = makeStream();
    const controller = new AbortController();
    const observed: unknown[] = [];
    stream.until(controller.signal).listen((event) => observed.push(event), {
      onDone: (error) => observed.push(error),
    });
    emit(1);
    controller.abort("enough");
    emit(2);
    expect(observed).toEqual([1, "enough"]);
    expect(listeners()).toBe(0);
  });

  it("makes a loop throw the reason after the earlier events", async () => {
    const { stream, emit } = makeStream();
    const controller = new AbortController();
    const observed: number[] = [];
    const iterator = stream.until(controller.signal)[Symbol.asyncIterator]();
    emit(1, 2);
    controller.abort();
    const loop = async (): Promise<void> => {
      for await (const event of iterator) observed.push(event);
    };
    await expect(loop()).rejects.toMatchObject({ name: "AbortError" });
    expect(observed).toEqual([1, 2]);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it("ends a waiting loop at once", async () => {
    const { stream } = makeStream();
    const controller = new AbortController();
    const iterator = stream.until(controller.signal)[Symbol.asyncIterator]();
    const waiting = [iterator.next(), iterator.next()];
    controller.abort("enough");
    await expect(waiting[0]).rejects.toBe("enough");
    expect(await waiting[1]).toEqual({ done: true, value: undefined });
  });

  it("makes first reject with the reason, even if the signal is already aborted", async () => {
    const { stream, listeners } = makeStream();
    const controller = new AbortController();
    const first = stream.until(controller.signal).first;
    controller.abort("late");
    await expect(first).rejects.toBe("late");
    await expect(stream.until(AbortSignal.abort("early")).first).rejects.toBe("early");
    expect(listeners()).toBe(0);
  });

  it("leaves no listener on the signal once the stream has ended", () => {
    const { stream, end } = makeStream();
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, "addEventListener");
    const removed = vi.spyOn(signal, "removeEventListener");
    stream.until(signal).listen(() => {});
    end();
    expect(removed.mock.calls).toEqual(added.mock.calls);
  });
});
