import { describe, expect, it, vi } from "vitest";
import {
  type MessageSink,
  pipeTo,
  readableOf,
  type SendSource,
  writableOf,
} from "../../../src/server/socket/socket-streams.ts";
import { uncaughtErrorsOf } from "../../support/uncaught-errors.ts";

const lost = new Error("the connection is lost");

/** A sink that has room until the test fills it. */
class FakeSink implements MessageSink<string> {
  readonly sent: string[] = [];
  readonly closes: unknown[] = [];
  hasRoom = true;
  end!: () => void;
  #hasEnded = false;
  readonly done: Promise<void> = new Promise((resolve) => {
    this.end = () => {
      this.#hasEnded = true;
      resolve();
    };
  });
  makeRoom: () => void = () => {};

  get drained(): Promise<void> {
    if (this.#hasEnded) return Promise.reject(lost);
    if (this.hasRoom) return Promise.resolve();
    return new Promise((resolve) => (this.makeRoom = resolve));
  }

  send(item: string): boolean {
    this.sent.push(item);
    return this.hasRoom;
  }

  close(code?: number): void {
    this.closes.push(code);
  }
}

async function turn(): Promise<void> {
  await new Promise(setImmediate);
}

describe("pipeTo", () => {
  it.each<[string, () => SendSource<string>]>([
    ["an array", () => ["a", "b"]],
    [
      "an async generator",
      async function* () {
        yield "a";
        yield "b";
      },
    ],
    [
      "a ReadableStream",
      () =>
        new ReadableStream<string>({
          start(controller) {
            controller.enqueue("a");
            controller.enqueue("b");
            controller.close();
          },
        }),
    ],
  ])("sends the items of %s", async (_what, source) => {
    const sink = new FakeSink();
    await pipeTo(sink, source());
    expect(sink.sent).toEqual(["a", "b"]);
  });

  it("waits for room after each item that fills the buffer", async () => {
    const sink = new FakeSink();
    sink.hasRoom = false;
    const piped = pipeTo(sink, ["a", "b"]);
    await turn();
    expect(sink.sent).toEqual(["a"]);
    sink.hasRoom = true;
    sink.makeRoom();
    await piped;
    expect(sink.sent).toEqual(["a", "b"]);
  });

  it.each([
    ["a string", "text"],
    ["a number", 5],
    ["null", null],
    ["an object that is not iterable", {}],
    ["an object whose iterator is not a function", { [Symbol.iterator]: 5 }],
  ])("throws UsageError INVALID_SOURCE for %s", (_what, source) => {
    expect(() => pipeTo(new FakeSink(), source as never)).toThrow(
      expect.objectContaining({ name: "UsageError", code: "INVALID_SOURCE" }),
    );
  });

  it("rejects with the error of the source and does not call its return", async () => {
    const error = new Error("the source failed");
    const stop = vi.fn<() => never>();
    const source = { next: () => Promise.reject(error), return: stop };
    const iterable = { [Symbol.asyncIterator]: () => source };
    await expect(pipeTo(new FakeSink(), iterable as never)).rejects.toBe(error);
    expect(stop).not.toHaveBeenCalled();
  });

  it("rejects and stops the source when the connection ends while the source is silent", async () => {
    const sink = new FakeSink();
    const stop = vi.fn<() => Promise<never>>(() => Promise.reject(new Error("cannot stop")));
    const source = { next: () => new Promise(() => {}), return: stop };
    const iterable = { [Symbol.asyncIterator]: () => source };
    const errors = await uncaughtErrorsOf(async () => {
      const piped = pipeTo(sink, iterable as never);
      sink.end();
      await expect(piped).rejects.toBe(lost);
    });
    expect(stop).toHaveBeenCalledOnce();
    expect(errors).toEqual([]);
  });
});

describe("writableOf", () => {
  it("closes with 1000 and waits for the end of the connection", async () => {
    const sink = new FakeSink();
    const writer = writableOf(sink).getWriter();
    await writer.write("a");
    let isClosed = false;
    const closed = writer.close().then(() => (isClosed = true));
    await turn();
    expect([sink.sent, sink.closes, isClosed]).toEqual([["a"], [undefined], false]);
    sink.end();
    await closed;
  });

  it("closes with 1011 when it is aborted", async () => {
    const sink = new FakeSink();
    await writableOf(sink).abort();
    expect(sink.closes).toEqual([1011]);
  });

  it("errors with the error of the connection and leaves no rejection unhandled", async () => {
    const sink = new FakeSink();
    const errors = await uncaughtErrorsOf(async () => {
      const writable = writableOf(sink);
      sink.end();
      await turn();
      await expect(writable.getWriter().write("a")).rejects.toBe(lost);
    });
    expect(errors).toEqual([]);
  });
});

describe("readableOf", () => {
  it("requests a message only when it is read, and stops the iterator when it is cancelled", async () => {
    const next = vi.fn<() => Promise<IteratorResult<string, undefined>>>(async () => ({
      done: false,
      value: "a",
    }));
    const stop = vi.fn<() => Promise<IteratorResult<string, undefined>>>(async () => ({
      done: true,
      value: undefined,
    }));
    const readable = readableOf<string>({ next, return: stop });
    await turn();
    expect(next).not.toHaveBeenCalled();
    const reader = readable.getReader();
    expect(await reader.read()).toEqual({ done: false, value: "a" });
    expect(next).toHaveBeenCalledOnce();
    await reader.cancel();
    expect(stop).toHaveBeenCalledOnce();
  });
});
