import { describe, expect, it, vi } from "vitest";
import { UsageError } from "../../src/errors/index.ts";
import type { Message } from "../../src/streams/message-consumer.ts";
import { MessageQueue } from "../../src/streams/message-queue.ts";
import type { MessageListener } from "../../src/streams/message-subscription.ts";

/** A source that records pause and resume, and pushes held-back messages on resume. */
class Source {
  readonly calls: string[] = [];
  onResume: (() => void) | undefined;
  pause(): void {
    this.calls.push("pause");
  }
  resume(): void {
    this.calls.push("resume");
    this.onResume?.();
  }
}

function recorder(): MessageListener & { readonly log: unknown[] } {
  const log: unknown[] = [];
  return {
    log,
    onMessage: (message) => log.push(message),
    onEnd: (error) => log.push(error ?? "end"),
    onCancel: () => log.push("cancel"),
  };
}

async function collect(messages: AsyncIterable<Message>): Promise<Message[]> {
  const collected: Message[] = [];
  for await (const message of messages) collected.push(message);
  return collected;
}

const turn = (): Promise<void> => Promise.resolve();

describe("iterate", () => {
  it("keeps messages that arrive before the consumer starts, in order", async () => {
    const queue = new MessageQueue(new Source());
    for (const message of ["a", "", new Uint8Array([1]), "b"]) queue.push(message);
    queue.end();
    expect(await collect(queue.iterate())).toEqual(["a", "", new Uint8Array([1]), "b"]);
  });

  it("gives a message to the reader that has waited longest", async () => {
    const queue = new MessageQueue(new Source());
    const iterator = queue.iterate();
    const results = Promise.all([iterator.next(), iterator.next(), iterator.next()]);
    queue.push("a");
    queue.push("b");
    queue.end();
    expect(await results).toEqual([
      { done: false, value: "a" },
      { done: false, value: "b" },
      { done: true, value: undefined },
    ]);
  });

  it("throws the error once after the messages, and then is done", async () => {
    const queue = new MessageQueue(new Source());
    const iterator = queue.iterate();
    queue.push("a");
    queue.end(new Error("lost"));
    expect(await iterator.next()).toEqual({ done: false, value: "a" });
    await expect(iterator.next()).rejects.toThrow("lost");
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it("rejects only the first of several waiting readers with the error", async () => {
    const queue = new MessageQueue(new Source());
    const iterator = queue.iterate();
    const waiting = [iterator.next(), iterator.next()];
    queue.end(new Error("lost"));
    await expect(waiting[0]).rejects.toThrow("lost");
    expect(await waiting[1]).toEqual({ done: true, value: undefined });
  });

  it("reports when the loop is left, drops the rest and resumes the source", async () => {
    const source = new Source();
    const onCancel = vi.fn<() => void>();
    const queue = new MessageQueue(source, { maxBytes: 200, maxMessages: 2 });
    for (let i = 0; i < 4; i++) queue.push("x");
    expect(source.calls).toEqual(["pause"]);
    for await (const message of queue.iterate(onCancel)) {
      expect(message).toBe("x");
      break;
    }
    expect(onCancel).toHaveBeenCalledOnce();
    expect(source.calls).toEqual(["pause", "resume"]);
    queue.push("late");
    expect(queue.shift()).toBeUndefined();
  });

  it("does not report a loop that reached its end as left", async () => {
    const onCancel = vi.fn<() => void>();
    const queue = new MessageQueue(new Source());
    queue.end();
    const iterator = queue.iterate(onCancel);
    await iterator.next();
    await iterator.return?.();
    expect(onCancel).not.toHaveBeenCalled();
  });

  it("throws on a second consumer at once", () => {
    const queue = new MessageQueue(new Source());
    queue.iterate();
    expect(() => queue.iterate()).toThrow(UsageError);
    expect(() => queue.listen(recorder())).toThrow(
      expect.objectContaining({ code: "ALREADY_CONSUMED" }),
    );
    expect(queue.isTaken).toBe(true);
  });
});

describe("the bound", () => {
  it("pauses a source again at 1 MiB if it has continued despite the first pause", () => {
    const source = new Source();
    const queue = new MessageQueue(source);
    for (let count = 0; count < 11; count++) queue.push(new Uint8Array(100_000));
    expect(source.calls).toEqual(["pause", "pause"]);
  });

  const push = (queue: MessageQueue, count: number, byteLength: number): void => {
    for (let i = 0; i < count; i++) queue.push(new Uint8Array(byteLength));
  };

  it("pauses at 16 messages if they exceed 64 KiB", () => {
    const source = new Source();
    const queue = new MessageQueue(source);
    push(queue, 15, 10_000);
    expect(source.calls).toEqual([]);
    push(queue, 1, 10_000);
    expect(source.calls).toEqual(["pause"]);
  });

  it("allows more than 16 messages below 64 KiB", () => {
    const source = new Source();
    const queue = new MessageQueue(source);
    push(queue, 300, 125);
    expect(source.calls).toEqual([]);
    push(queue, 100, 125);
    expect(source.calls).toEqual(["pause"]);
  });

  it("pauses at 256 KiB with any number of messages", () => {
    const source = new Source();
    const queue = new MessageQueue(source);
    push(queue, 1, 262_144);
    expect(source.calls).toEqual(["pause"]);
  });

  it("counts empty messages too", () => {
    const source = new Source();
    const queue = new MessageQueue(source);
    push(queue, 2000, 0);
    expect(source.calls).toEqual(["pause"]);
  });

  it("resumes the source when half of the queue is read, not earlier", async () => {
    const source = new Source();
    const queue = new MessageQueue(source, { maxBytes: 6400, maxMessages: 1 });
    push(queue, 100, 0);
    const iterator = queue.iterate();
    for (let i = 0; i < 49; i++) await iterator.next();
    expect(source.calls).toEqual(["pause"]);
    await iterator.next();
    expect(source.calls).toEqual(["pause", "resume"]);
  });

  it("keeps the order when the source pushes during resume", async () => {
    const source = new Source();
    const queue = new MessageQueue(source, { maxBytes: 64, maxMessages: 1 });
    source.onResume = () => {
      source.onResume = undefined;
      queue.push("second");
    };
    queue.push("first");
    const listener = recorder();
    queue.listen(listener);
    await turn();
    expect(listener.log).toEqual(["first", "second"]);
  });
});

describe("listen", () => {
  it("delivers nothing before it returns, then queued messages before new ones", async () => {
    const queue = new MessageQueue(new Source());
    const listener = recorder();
    queue.push("a");
    queue.listen(listener);
    queue.push("b");
    expect(listener.log).toEqual([]);
    await turn();
    queue.push("c");
    expect(listener.log).toEqual(["a", "b", "c"]);
    queue.end();
    expect(listener.log).toEqual(["a", "b", "c", "end"]);
  });

  it("loses nothing while paused, and ends only after the held-back messages", async () => {
    const queue = new MessageQueue(new Source());
    const listener = recorder();
    const subscription = queue.listen(listener);
    await turn();
    subscription.pause();
    expect(subscription.isPaused).toBe(true);
    queue.push("a");
    queue.push("b");
    queue.end(new Error("lost"));
    expect(listener.log).toEqual([]);
    subscription.resume();
    expect(listener.log).toEqual(["a", "b", new Error("lost")]);
  });

  it("delivers again after a pause without messages", async () => {
    const queue = new MessageQueue(new Source());
    const listener = recorder();
    const subscription = queue.listen(listener);
    await turn();
    subscription.pause();
    subscription.resume();
    queue.push("a");
    expect(listener.log).toEqual(["a"]);
    expect(subscription.isPaused).toBe(false);
  });

  it("pauses at once when a callback pauses", async () => {
    const queue = new MessageQueue(new Source());
    const log: Message[] = [];
    const subscription = queue.listen({
      ...recorder(),
      onMessage: (message) => {
        log.push(message);
        subscription.pause();
      },
    });
    queue.push("a");
    queue.push("b");
    await turn();
    expect(log).toEqual(["a"]);
    subscription.resume();
    expect(log).toEqual(["a", "b"]);
  });

  it("pauses the source when paused for long", async () => {
    const source = new Source();
    const queue = new MessageQueue(source, { maxBytes: 128, maxMessages: 2 });
    const subscription = queue.listen(recorder());
    await turn();
    for (let i = 0; i < 10; i++) queue.push("flows");
    expect(source.calls).toEqual([]);
    subscription.pause();
    queue.push("a");
    queue.push("b");
    expect(source.calls).toEqual(["pause"]);
    subscription.resume();
    expect(source.calls).toEqual(["pause", "resume"]);
  });

  it("delivers in order when a callback makes the source push", async () => {
    const queue = new MessageQueue(new Source());
    const log: Message[] = [];
    queue.listen({
      ...recorder(),
      onMessage: (message) => {
        if (message === "a") queue.push("b");
        log.push(message);
      },
    });
    await turn();
    queue.push("a");
    expect(log).toEqual(["a", "b"]);
  });

  it.each([undefined, new Error("lost")])(
    "finishes a callback during which the source ends before it continues: %s",
    async (error) => {
      const queue = new MessageQueue(new Source());
      const listener = recorder();
      const subscription = queue.listen({
        ...listener,
        onMessage: (message) => {
          listener.log.push(`begin ${String(message)}`);
          if (message === "a") {
            queue.push("b");
            queue.end(error);
          }
          listener.log.push(`end ${String(message)}`);
        },
      });
      await turn();
      queue.push("a");
      const log = ["begin a", "end a", "begin b", "end b", error ?? "end"];
      expect(listener.log).toEqual(log);
      subscription.resume();
      subscription.cancel();
      expect(listener.log).toEqual(log);
    },
  );

  it("delivers nothing after cancel, even in the middle of queued messages", async () => {
    const queue = new MessageQueue(new Source());
    const listener = recorder();
    const subscription = queue.listen({
      ...listener,
      onMessage: (message) => {
        listener.log.push(message);
        subscription.cancel();
        subscription.cancel();
      },
    });
    queue.push("a");
    queue.push("b");
    await turn();
    queue.push("c");
    queue.end();
    expect(listener.log).toEqual(["a", "cancel"]);
  });

  it("can be disposed before the first message", async () => {
    const queue = new MessageQueue(new Source());
    const listener = recorder();
    queue.push("a");
    queue.listen(listener)[Symbol.dispose]();
    await turn();
    expect(listener.log).toEqual(["cancel"]);
  });
});

describe("discard with an error", () => {
  it.each(["is open", "has ended", "has ended with another error"])(
    "drops queued messages and ends with that error if the queue %s",
    async (state) => {
      const source = new Source();
      const queue = new MessageQueue(source, { maxMessages: 2, maxBytes: 128 });
      const iterator = queue.iterate();
      for (const message of ["a", "b", "c"]) queue.push(message);
      if (state !== "is open") queue.end(state === "has ended" ? undefined : new Error("other"));
      queue.discard(new Error("bad"));
      queue.push("d");
      await expect(iterator.next()).rejects.toThrow("bad");
      expect((await iterator.next()).done).toBe(true);
      expect(source.calls).toEqual(["pause", "resume"]);
    },
  );

  it("rejects a waiting reader and calls a waiting listener", async () => {
    const read = new MessageQueue(new Source());
    const result = read.iterate().next();
    read.discard(new Error("bad"));
    await expect(result).rejects.toThrow("bad");
    const received = new MessageQueue(new Source());
    const listener = recorder();
    received.listen(listener);
    await turn();
    received.discard(new Error("bad"));
    expect(listener.log).toEqual([new Error("bad")]);
  });
});
