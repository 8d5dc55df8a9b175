import { setImmediate as nextTurn } from "node:timers/promises";
import * as fc from "fast-check";
import { type CloseInfo, InvalidMessageError, prepare, type StandardSchema } from "tideway/server";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { deferred } from "../../../../src/server/socket/deferred.ts";
import { JsonSocket } from "../../../../src/server/socket/typed/json-socket.ts";
import { ServerSocket } from "../../../../src/server/socket/server-socket.ts";
import type { SocketOptions } from "../../../../src/server/socket/socket-options.ts";
import { FakeConnection } from "../../fake-connection.ts";
import { testInvalidListeners } from "../../invalid-listeners.ts";
import { HOSTILE_VALUES, throwingThen, throwingThenable } from "../../../support/hostile-values.ts";

let connection: FakeConnection;
const onFailure = vi.fn<(socket: ServerSocket, error: unknown) => void>();

beforeEach(() => {
  connection = new FakeConnection();
  onFailure.mockReset();
});

function open<T>(schema: StandardSchema<T>, options?: SocketOptions): JsonSocket<T> {
  const host = { onFailure, onRefused: () => {}, onClosed: () => {}, inNextTurn: setImmediate };
  return new JsonSocket(new ServerSocket(connection, host, options), schema);
}

type Validate<T> = StandardSchema<T>["~standard"]["validate"];

function schemaOf<T>(validate: Validate<T>): StandardSchema<T> {
  return { "~standard": { version: 1, vendor: "test", validate } };
}

const numbers = schemaOf<number>((value) =>
  typeof value === "number" ? { value } : { issues: [{ message: "no number", path: ["x"] }] },
);

const anything = schemaOf<unknown>((value) => ({ value }));

const failing = {
  throws: schemaOf<number>(() => {
    throw new Error("bug");
  }),
  rejects: schemaOf<number>(() => Promise.reject(new Error("bug"))),
  "returns nothing": schemaOf<number>((() => {}) as never),
  "returns null": schemaOf<number>((() => null) as never),
  "returns true": schemaOf<number>((() => true) as never),
  "returns a string": schemaOf<number>((() => "5") as never),
  "returns the value itself": schemaOf<number>(((value: unknown) => value) as never),
  "returns neither a value nor issues": schemaOf<number>((() => ({ output: 5 })) as never),
  "resolves with nothing": schemaOf<number>((async () => {}) as never),
  "resolves with a string": schemaOf<number>((async () => "5") as never),
  "returns issues that are not a list": schemaOf<number>((() => ({ issues: true })) as never),
  "returns a thenable that throws": schemaOf<number>(throwingThenable as never),
  "returns an object whose then cannot be read": schemaOf<number>(throwingThen as never),
};

const schemaFailed = expect.objectContaining({
  name: "TidewayError",
  code: "SCHEMA_FAILED",
  closeCode: 1011,
  cause: expect.any(Error),
});

/** A schema that validates each number when the test calls `settle` for it. */
function pending(): { schema: StandardSchema<number>; settle: Map<unknown, () => void> } {
  const settle = new Map<unknown, () => void>();
  const schema = schemaOf<number>((value) => {
    const decided = deferred<void>();
    settle.set(value, () => decided.resolve());
    return decided.promise.then(() => numbers["~standard"].validate(value));
  });
  return { schema, settle };
}

/** Each kind of invalid message, and the close code, reason and issues that it causes. */
const invalidMessages = [
  ["a binary message", new Uint8Array([53]), 1003, "not text", []],
  ["text that is not JSON", "{", 1007, "not JSON", []],
  ["an empty text message", "", 1007, "not JSON", []],
  ["JSON that fails validation", '"5"', 1007, "not valid", ["no number"]],
] as const;

function receive(...messages: Array<string | Uint8Array>): void {
  for (const message of messages) {
    if (typeof message === "string") connection.handler.onText(message);
    else connection.handler.onBinary(message);
  }
}

describe.each(["iteration", "listen", "readable"])("receiving by %s", (how) => {
  /** Receives until the end. Returns all values and how the connection ended. */
  async function receiveAll<T>(socket: JsonSocket<T>): Promise<{ values: T[]; error: unknown }> {
    const values: T[] = [];
    try {
      if (how === "listen") {
        await new Promise<void>((resolve, reject) => {
          socket.listen((value) => values.push(value), { onDone: resolve, onError: reject });
        });
      } else {
        for await (const value of how === "readable" ? socket.readable : socket) values.push(value);
      }
      return { values, error: undefined };
    } catch (error) {
      return { values, error };
    }
  }

  it.each(["sync", "async"])("gives the values that a schema returns (%s)", async (kind) => {
    const doubled = (value: unknown): { value: number } => ({ value: Number(value) * 2 });
    const socket = open(schemaOf(kind === "sync" ? doubled : async (value) => doubled(value)));
    receive("1", " 2.5 ");
    const received = receiveAll(socket);
    await nextTurn();
    receive("-3e1");
    connection.end({ code: 1001 });
    expect(await received).toEqual({ values: [2, 5, -60], error: undefined });
  });

  it("ends as the connection ends", async () => {
    const socket = open(numbers);
    receive("1");
    connection.end({ code: 1006 });
    const { values, error } = await receiveAll(socket);
    expect(values).toEqual([1]);
    expect(error).toMatchObject({ name: "ConnectionClosedError", closeCode: 1006 });
  });

  it.each(invalidMessages)(
    "closes with the right code for %s (RFC 6455 7.4.1) and drops the messages after it",
    async (_what, message, code, reason, issues) => {
      const socket = open(numbers);
      receive("1", message, "2");
      const received = receiveAll(socket);
      await nextTurn();
      expect(connection.calls).toEqual([["close", code, reason]]);
      receive("3");
      connection.end({ code });
      const { values, error } = await received;
      expect(values).toEqual([1]);
      expect(error).toBeInstanceOf(InvalidMessageError);
      expect(error).toMatchObject({
        name: "InvalidMessageError",
        code: "INVALID_MESSAGE",
        closeCode: code,
        reason,
      });
      const found = (error as InvalidMessageError).issues.map((issue) => issue.message);
      expect(found).toEqual(issues);
      expect(onFailure).not.toHaveBeenCalled();
    },
  );

  it("closes with 1007 for JSON so deeply nested that the schema overflows the stack", async () => {
    const visit = (value: unknown): unknown => (Array.isArray(value) ? value.map(visit) : value);
    for (const schema of [
      schemaOf((value) => ({ value: visit(value) })),
      schemaOf(async (value) => ({ value: visit(value) })),
    ]) {
      connection = new FakeConnection();
      const socket = open(schema);
      receive("[[[1]]]", `${"[".repeat(50_000)}1${"]".repeat(50_000)}`);
      const received = receiveAll(socket);
      await nextTurn();
      expect(connection.calls).toEqual([["close", 1007, "nested too deeply"]]);
      connection.end({ code: 1007 });
      const { values, error } = await received;
      expect(values).toEqual([[[[1]]]]);
      expect(error).toMatchObject({ code: "INVALID_MESSAGE", cause: expect.any(RangeError) });
    }
    expect(onFailure).not.toHaveBeenCalled();
  });

  it("treats a stack overflow on JSON without deep nesting as an error of the schema", async () => {
    const failsItself = schemaOf((): never => {
      throw new RangeError("Maximum call stack size exceeded");
    });
    const deepest = `${"[".repeat(100)}"text"${"]".repeat(100)}`;
    for (const message of ["1", "null", '"text"', deepest]) {
      connection = new FakeConnection();
      onFailure.mockReset();
      const socket = open(failsItself);
      receive(message);
      const received = receiveAll(socket);
      await nextTurn();
      expect(connection.calls).toEqual([["close", 1011, ""]]);
      connection.end({ code: 1011 });
      expect((await received).error).toEqual(schemaFailed);
    }
  });

  it.each(Object.entries(failing))(
    "closes with 1011 and reports once if a schema %s",
    async (_how, schema) => {
      const socket = open(schema);
      receive("1", "2");
      const received = receiveAll(socket);
      await nextTurn();
      expect(connection.calls).toEqual([["close", 1011, ""]]);
      connection.end({ code: 1011 });
      expect(await received).toEqual({ values: [], error: schemaFailed });
      expect(onFailure.mock.calls).toEqual([[socket.socket, schemaFailed]]);
    },
  );

  it("keeps the order of messages, however long each takes to validate", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ turns: fc.nat(3), isLate: fc.boolean() }), { maxLength: 20 }),
        async (messages) => {
          connection = new FakeConnection();
          let running = 0;
          const schema = schemaOf<number>((value) => {
            const number = value as number;
            const { turns } = messages[number];
            expect(running).toBe(0);
            if (turns === 0) return { value: number };
            running++;
            return (async () => {
              for (let turn = 1; turn < turns; turn++) await Promise.resolve();
              running--;
              return { value: number };
            })();
          });
          const socket = open(schema);
          const received = receiveAll(socket);
          for (const [at, { isLate }] of messages.entries()) {
            if (isLate) await nextTurn();
            receive(String(at));
          }
          connection.end();
          const { values, error } = await received;
          expect(error).toBeUndefined();
          expect(values).toEqual(Array.from(messages.keys()));
        },
      ),
      { numRuns: 50 },
    );
  });

  it("reads no message before the previous message is validated, and pauses the connection", async () => {
    const { schema, settle } = pending();
    const socket = open(schema, { maxQueuedBytes: 128, maxQueuedMessages: 2 });
    const received = receiveAll(socket);
    await nextTurn();
    receive("1", "2", "3");
    await nextTurn();
    expect(Array.from(settle.keys())).toEqual([1]);
    expect(connection.calls).toEqual([["pause"]]);
    for (const number of [1, 2, 3]) {
      settle.get(number)?.();
      await nextTurn();
    }
    expect(connection.calls).toEqual([["pause"], ["resume"]]);
    connection.end();
    expect(await received).toEqual({ values: [1, 2, 3], error: undefined });
  });

  it("leaves a key __proto__ in a message as a plain property", async () => {
    const socket = open(anything);
    receive('{"__proto__":{"isPolluted":true},"constructor":{"prototype":{"isPolluted":true}}}');
    connection.end();
    const { values } = await receiveAll(socket);
    expect(Object.hasOwn(values[0] as object, "__proto__")).toBe(true);
    expect(Object.getPrototypeOf(values[0])).toBe(Object.prototype);
    expect("isPolluted" in {}).toBe(false);
    expect(connection.calls).toEqual([]);
  });

  testInvalidListeners(() => open(numbers));

  it("has one consumer and throws at once on a second", () => {
    const socket = open(numbers);
    void receiveAll(socket);
    const expected = expect.objectContaining({ code: "ALREADY_CONSUMED" });
    expect(() => socket[Symbol.asyncIterator]()).toThrow(expected);
    expect(() => socket.listen(() => {})).toThrow(expected);
    expect(() => socket.socket.listen(() => {})).toThrow(expected);
    connection.end();
  });
});

describe("a handler that rejects with the error of an invalid message", () => {
  it("does not count as failed", async () => {
    const socket = open(numbers);
    receive("true");
    const received: number[] = [];
    socket.socket.runHandler(async () => {
      for await (const value of socket) received.push(value);
    });
    await nextTurn();
    connection.end({ code: 1007 });
    await nextTurn();
    expect(connection.calls).toEqual([["close", 1007, "not valid"]]);
    expect(received).toEqual([]);
    expect(onFailure).not.toHaveBeenCalled();
  });

  it("counts as failed if the message came from another socket", async () => {
    const other = open(numbers);
    receive("true");
    connection = new FakeConnection();
    const socket = open(numbers);
    socket.socket.runHandler(() => other[Symbol.asyncIterator]().next());
    await nextTurn();
    expect(onFailure.mock.calls).toEqual([[socket.socket, expect.any(InvalidMessageError)]]);
  });

  it("is reported once if the schema failed, even if it catches the error", async () => {
    const rethrowing = open(failing.throws);
    receive("1");
    rethrowing.socket.runHandler(async () => {
      for await (const value of rethrowing) expect.unreachable(String(value));
    });
    await nextTurn();
    connection = new FakeConnection();
    const catching = open(failing.throws);
    receive("1");
    catching.socket.runHandler(() =>
      catching[Symbol.asyncIterator]()
        .next()
        .catch(() => {}),
    );
    await nextTurn();
    expect(onFailure.mock.calls).toEqual([
      [rethrowing.socket, schemaFailed],
      [catching.socket, schemaFailed],
    ]);
  });
});

describe("iteration", () => {
  it("settles calls of next in their order and validates one message at a time", async () => {
    const { schema, settle } = pending();
    const socket = open(schema);
    const iterator = socket[Symbol.asyncIterator]();
    const results = Promise.all([iterator.next(), iterator.next(), iterator.next()]);
    receive("1", "2");
    connection.end();
    await nextTurn();
    expect(Array.from(settle.keys())).toEqual([1]);
    settle.get(1)?.();
    await nextTurn();
    settle.get(2)?.();
    expect(await results).toEqual([
      { done: false, value: 1 },
      { done: false, value: 2 },
      { done: true, value: undefined },
    ]);
  });

  it("can continue an iterator from which a value was taken", async () => {
    const values = open(numbers)[Symbol.asyncIterator]();
    receive("1", "2", "3");
    expect(await values.next()).toEqual({ done: false, value: 1 });
    const rest: number[] = [];
    for await (const value of values) {
      rest.push(value);
      if (value === 3) break;
    }
    expect(rest).toEqual([2, 3]);
  });

  it("is done after the error it throws", async () => {
    const socket = open(numbers);
    const iterator = socket[Symbol.asyncIterator]();
    const results = [iterator.next(), iterator.next()];
    receive("null", "1");
    await expect(results[0]).rejects.toBeInstanceOf(InvalidMessageError);
    expect(await results[1]).toEqual({ done: true, value: undefined });
    connection.end({ code: 1007 });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it("closes with 1000 when the loop is left early", async () => {
    const socket = open(numbers);
    receive("1", "2");
    for await (const value of socket) {
      expect(value).toBe(1);
      break;
    }
    await nextTurn();
    expect(connection.calls).toEqual([["close", 1000, ""]]);
  });

  it("closes at once when left during validation, with any result", async () => {
    const { schema, settle } = pending();
    const socket = open(schema);
    const iterator = socket[Symbol.asyncIterator]();
    receive('"no number"');
    const result = iterator.next();
    await nextTurn();
    expect(await iterator.return?.()).toEqual({ done: true, value: undefined });
    await nextTurn();
    expect(connection.calls).toEqual([["close", 1000, ""]]);
    settle.get("no number")?.();
    expect(await result).toEqual({ done: true, value: undefined });
  });

  it("gives the message under validation when the connection ends, then the end", async () => {
    const { schema, settle } = pending();
    const socket = open(schema);
    const iterator = socket[Symbol.asyncIterator]();
    receive("1");
    const result = iterator.next();
    await nextTurn();
    connection.end({ code: 1006 });
    settle.get(1)?.();
    expect(await result).toEqual({ done: false, value: 1 });
    await expect(iterator.next()).rejects.toMatchObject({ closeCode: 1006 });
  });
});

describe("readable", () => {
  it("closes at once when cancelled during a read", async () => {
    const socket = open(numbers);
    const reader = socket.readable.getReader();
    const read = reader.read();
    await nextTurn();
    await reader.cancel();
    await nextTurn();
    expect(connection.calls).toEqual([["close", 1000, ""]]);
    expect((await read).done).toBe(true);
  });
});

describe("listen", () => {
  it("calls onError and then onDone once the connection has ended", async () => {
    const socket = open(numbers);
    const log: unknown[] = [];
    socket.listen((value) => log.push(value), {
      onError: (error) => log.push(error.code),
      onDone: () => log.push("done"),
    });
    receive("1", "false");
    await nextTurn();
    connection.end({ code: 1007 });
    expect(log).toEqual([1, "INVALID_MESSAGE", "done"]);
  });

  it.each([
    ["sync", numbers],
    ["async", schemaOf<number>(async (value) => ({ value: value as number }))],
  ])(
    "closes with 1011 and reports once when the listener throws, with a schema that is %s",
    async (_kind, schema) => {
      const socket = open(schema);
      socket.listen(() => {
        throw new Error("bug");
      });
      receive("1", "2");
      await nextTurn();
      expect(onFailure.mock.calls).toEqual([[socket.socket, new Error("bug")]]);
      expect(connection.calls).toEqual([["close", 1011, ""]]);
    },
  );

  it("holds values back while paused, including the one under validation", async () => {
    const { schema, settle } = pending();
    const socket = open(schema);
    const values: unknown[] = [];
    const subscription = socket.listen((value) => values.push(value), {
      onDone: () => values.push("done"),
    });
    receive("1", "2");
    await nextTurn();
    expect(subscription.isPaused).toBe(false);
    subscription.pause();
    expect(subscription.isPaused).toBe(true);
    settle.get(1)?.();
    await nextTurn();
    expect(values).toEqual([]);
    expect(settle.has(2)).toBe(false);
    subscription.resume();
    expect(values).toEqual([1]);
    settle.get(2)?.();
    connection.end();
    await nextTurn();
    expect(values).toEqual([1, 2, "done"]);
  });

  it.each([
    ["sync", numbers],
    ["async", schemaOf<number>(async (value) => ({ value: value as number }))],
  ])(
    "delivers again after a pause without messages, with a schema that is %s",
    async (_kind, schema) => {
      const socket = open(schema);
      const values: number[] = [];
      const subscription = socket.listen((value) => values.push(value));
      await nextTurn();
      subscription.pause();
      subscription.resume();
      receive("1");
      await nextTurn();
      subscription.pause();
      receive("2");
      await nextTurn();
      expect(values).toEqual([1]);
      subscription.resume();
      await nextTurn();
      expect(values).toEqual([1, 2]);
    },
  );

  it("calls no listener while paused, not even for an invalid message", async () => {
    const { schema, settle } = pending();
    const socket = open(schema);
    const log: unknown[] = [];
    const subscription = socket.listen(() => {}, { onError: (error) => log.push(error.code) });
    receive("true");
    await nextTurn();
    subscription.pause();
    settle.get(true)?.();
    await nextTurn();
    expect(connection.calls).toEqual([["close", 1007, "not valid"]]);
    connection.end({ code: 1007 });
    expect(log).toEqual([]);
    subscription.resume();
    expect(log).toEqual(["INVALID_MESSAGE"]);
  });

  it("allows pause and resume within its callback, which is never reentered", async () => {
    const socket = open(schemaOf<number>(async (value) => ({ value: value as number })));
    const log: unknown[] = [];
    const subscription = socket.listen((value) => {
      log.push(`${value} in`);
      subscription.pause();
      subscription.resume();
      log.push(`${value} out`);
    });
    receive("1", "2");
    await nextTurn();
    expect(log).toEqual(["1 in", "1 out", "2 in", "2 out"]);
  });

  it("delivers nothing after cancel and closes with 1000", async () => {
    const { schema, settle } = pending();
    const socket = open(schema);
    const onMessage = vi.fn<(value: number) => void>();
    const onDone = vi.fn<() => void>();
    const subscription = socket.listen(onMessage, { onDone });
    receive("1", "2");
    await nextTurn();
    subscription.cancel();
    settle.get(1)?.();
    await nextTurn();
    subscription.resume();
    expect(connection.calls).toEqual([["close", 1000, ""]]);
    connection.end();
    expect(onMessage).not.toHaveBeenCalled();
    expect(onDone).not.toHaveBeenCalled();
  });

  it("can be cancelled within its callback", async () => {
    const socket = open(schemaOf<number>(async (value) => ({ value: value as number })));
    const values: number[] = [];
    const subscription = socket.listen((value) => {
      values.push(value);
      subscription[Symbol.dispose]();
    });
    receive("1", "2");
    await nextTurn();
    await vi.waitFor(() => expect(connection.calls).toEqual([["close", 1000, ""]]));
    expect(values).toEqual([1]);
  });
});

describe("sending", () => {
  it("sends values as JSON in text messages", async () => {
    const socket = open(anything);
    socket.send({ a: [1, "é"], b: undefined });
    socket.add(null);
    await socket.addStream([1, "two"]);
    const writer = socket.writable.getWriter();
    await writer.write(true);
    expect(connection.sent).toEqual(['{"a":[1,"é"]}', "null", "1", '"two"', "true"]);
    expect(socket.writable).toBe(socket.writable);
  });

  it("sends a prepared message unchanged", () => {
    const socket = open(anything);
    const prepared = prepare('{"a":1}');
    socket.send(prepared);
    socket.add(prepared);
    expect(connection.sent).toEqual(['{"a":1}', '{"a":1}']);
  });

  const circular: { self?: unknown } = {};
  circular.self = circular;
  const throwing = {
    toJSON() {
      throw new Error("bug");
    },
  };

  it.each([[undefined], [() => {}], [Symbol("s")], [5n], [circular], [throwing]])(
    "throws at once for a value that JSON cannot express (%#)",
    (value) => {
      const socket = open(anything);
      const expected = expect.objectContaining({ name: "UsageError", code: "INVALID_DATA" });
      expect(() => socket.send(value)).toThrow(expected);
      expect(connection.sent).toEqual([]);
    },
  );

  it("returns false above the high-water mark and when the connection is not open", () => {
    const socket = open(anything, { highWaterMarkBytes: 100 });
    connection.bytesPerMessage = 50;
    expect([socket.send(1), socket.send(2)]).toEqual([true, false]);
    socket.close();
    expect(socket.send(3)).toBe(false);
    expect(connection.sent).toEqual(["1", "2"]);
  });

  it("waits until the peer has read", async () => {
    const socket = open(anything, { highWaterMarkBytes: 100 });
    connection.bytesPerMessage = 100;
    const sending = socket.addStream([1, 2]);
    await nextTurn();
    expect(connection.sent).toEqual(["1"]);
    connection.drain();
    await nextTurn();
    expect(connection.sent).toEqual(["1", "2"]);
    connection.drain();
    await sending;
  });

  it("rejects with ConnectionClosedError when the connection ends first", async () => {
    const socket = open(anything, { highWaterMarkBytes: 1 });
    connection.bytesPerMessage = 100;
    const sending = socket.addStream([1, 2]);
    await nextTurn();
    const { drained } = socket;
    connection.end({ code: 1006 });
    const expected = { name: "ConnectionClosedError", closeCode: 1006 };
    await expect(sending).rejects.toMatchObject(expected);
    await expect(drained).rejects.toMatchObject(expected);
  });
});

describe("the other members", () => {
  it("belong to the underlying socket", async () => {
    const socket = open(anything);
    connection.bufferedAmount = 7;
    const { protocol, extensions, readyState, bufferedAmount } = socket;
    expect({ protocol, extensions, readyState, bufferedAmount }).toEqual({
      protocol: "chat",
      extensions: "",
      readyState: 1,
      bufferedAmount: 7,
    });
    socket.ping();
    socket.ping("p");
    socket.close(4000, "why");
    socket.terminate();
    expect(connection.calls).toEqual([
      ["ping", new Uint8Array()],
      ["ping", new Uint8Array([112])],
      ["close", 4000, "why"],
      ["terminate"],
    ]);
    const { done } = socket;
    connection.end({ code: 1006 });
    expect(await done).toMatchObject({ code: 1006 } satisfies Partial<CloseInfo>);
    expect(socket.readyState).toBe(3);
  });
});

describe("a schema that fails with a value that throws on every access", () => {
  it.each(
    HOSTILE_VALUES.flatMap(([what, make]) => [
      [
        `throws ${what}`,
        schemaOf<number>(() => {
          throw make();
        }),
      ] as const,
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- programs do this
      [`rejects with ${what}`, schemaOf<number>(() => Promise.reject(make()))] as const,
    ]),
  )("closes with 1011 and is reported: %s", async (_what, schema) => {
    const socket = open(schema);
    connection.handler.onText("5");
    await expect(socket[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: "SCHEMA_FAILED",
    });
    expect(connection.calls).toContainEqual(["close", 1011, ""]);
    expect(onFailure).toHaveBeenCalledOnce();
  });
});
