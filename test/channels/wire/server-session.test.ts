import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isRequest } from "../../../src/channels/wire/client-frame-checks.ts";
import {
  ServerSession,
  type ServerSessionHandler,
} from "../../../src/channels/wire/server-session.ts";

const SECRET = "AAAAAAAAAAAAAAAAAAAAAA";
const HELLO = JSON.stringify({ type: "hello", session: SECRET, connection: 1, auth: "token" });
const WELCOME = {
  idWindowMs: 1_000,
  repeatable: [],
  maxPending: { publish: 1, call: 1 },
};

/** Records what a session does. */
class Recorder {
  readonly sent: unknown[] = [];
  readonly called: unknown[] = [];
  closed: readonly [code: number, reason: string] | undefined;
  readonly session: ServerSession;
  /** Called with each frame. */
  onFrame: (frame: { type: string; id?: number }) => void = () => {};

  constructor({ maxAuthBytes = 16_384, maxPendingBytes = 10_000 } = {}) {
    const record = (frame: { type: string }): void => {
      this.called.push(frame);
      this.onFrame(frame);
    };
    const handler = {
      send: (message: string | Uint8Array) => {
        if (typeof message === "string") this.sent.push(JSON.parse(message));
        else this.sent.push(new TextDecoder().decode(message));
      },
      close: (code: number, reason: string) => (this.closed ??= [code, reason]),
    } as Record<string, unknown>;
    for (const name of [
      "onHello",
      "onAuth",
      "onSubscribe",
      "onUnsubscribe",
      "onCredit",
      "onPublish",
      "onSeen",
      "onWatch",
      "onUnwatch",
      "onEnter",
      "onLeave",
      "onHistory",
      "onCall",
      "onStream",
      "onCancelRequest",
    ]) {
      handler[name] = record;
    }
    this.session = new ServerSession(handler as unknown as ServerSessionHandler, {
      maxAuthBytes,
      maxPendingBytes,
    });
  }

  receive(...frames: readonly (object | string)[]): this {
    for (const frame of frames) {
      this.session.receive(typeof frame === "string" ? frame : JSON.stringify(frame));
    }
    return this;
  }

  /** Says hello, and is welcomed. */
  open(): this {
    this.receive(HELLO);
    this.session.welcome(WELCOME);
    this.sent.length = 0;
    this.called.length = 0;
    return this;
  }
}

function binary(header: string, ...bytes: number[]): Uint8Array {
  return new Uint8Array([...new TextEncoder().encode(header), 0x0a, ...bytes]);
}

describe("the hello", () => {
  it("is passed on with the credentials, and answered with the welcome", () => {
    const recorder = new Recorder().receive(HELLO);
    expect(recorder.called).toEqual([
      { type: "hello", session: SECRET, connection: 1, auth: "token" },
    ]);
    recorder.session.welcome({ ...WELCOME, expiresInMs: 5 });
    expect(recorder.sent).toEqual([{ type: "welcome", ...WELCOME, expiresInMs: 5 }]);
    expect(recorder.session.isOpen).toBe(true);
  });

  it.each([
    ["no secret", { type: "hello", connection: 1 }],
    ["a short secret", { type: "hello", session: "A", connection: 1 }],
    [
      "a secret of other characters",
      { type: "hello", session: "A".repeat(21) + "=", connection: 1 },
    ],
    ["no connection number", { type: "hello", session: SECRET }],
    ["the connection number 0", { type: "hello", session: SECRET, connection: 0 }],
  ])("closes with 1002 if it has %s", (_what, frame) => {
    expect(new Recorder().receive(frame).closed?.[0]).toBe(1002);
  });

  it.each([{ type: "call", id: 1, name: "x" }, { type: "ping" }, { type: "auth" }])(
    "must be the first frame, before %o",
    (frame) => {
      const recorder = new Recorder().receive(frame);
      expect(recorder.closed?.[0]).toBe(1002);
      expect(recorder.called).toEqual([]);
    },
  );

  it("may follow a frame of an unknown type", () => {
    const recorder = new Recorder().receive({ type: "future" }, HELLO);
    expect(recorder.closed).toBeUndefined();
    expect(recorder.called).toHaveLength(1);
  });

  it("closes with 1002 when it comes twice", () => {
    expect(new Recorder().open().receive(HELLO).closed?.[0]).toBe(1002);
  });
});

describe("messages before the welcome", () => {
  it("wait, and are processed in order after it", () => {
    const recorder = new Recorder().receive(
      HELLO,
      { type: "call", id: 1, name: "a" },
      { type: "ping" },
    );
    expect(recorder.called).toHaveLength(1);
    recorder.session.welcome(WELCOME);
    expect(recorder.called.slice(1)).toEqual([{ type: "call", id: 1, name: "a" }]);
    expect(recorder.sent).toMatchObject([{ type: "welcome" }, { type: "pong" }]);
  });

  it("close with 1009 above maxAuthBytes in total", () => {
    const recorder = new Recorder({ maxAuthBytes: 300 }).receive(HELLO);
    recorder.receive({ type: "call", id: 1, name: "x".repeat(200) });
    expect(recorder.closed?.[0]).toBe(1009);
    recorder.session.welcome(WELCOME);
    expect(recorder.sent).toEqual([]);
  });

  it("count more than their length, so that many small ones close with 1009 too", () => {
    const recorder = new Recorder().receive(HELLO);
    for (let count = 0; count < 300; count++) recorder.receive("{}");
    expect(recorder.closed?.[0]).toBe(1009);
  });

  it("are dropped if the session closes", () => {
    const recorder = new Recorder().receive(HELLO, { type: "call", id: 1, name: "a" });
    recorder.session.close(3000, "unauthorized");
    recorder.session.welcome(WELCOME);
    expect(recorder.called).toHaveLength(1);
    expect(recorder.closed).toEqual([3000, "unauthorized"]);
  });
});

describe("a frame", () => {
  it.each(["", "{", "undefined", '{"type":"ping"', "'"])(
    "closes with 1007 if it is %o, not JSON",
    (message) => {
      expect(new Recorder().open().receive(message).closed?.[0]).toBe(1007);
    },
  );

  it("closes with 1007 if it is binary without a line feed", () => {
    const recorder = new Recorder().open();
    recorder.session.receive(new Uint8Array([1, 2, 3]));
    expect(recorder.closed?.[0]).toBe(1007);
  });

  it.each(["null", "5", '"ping"', "[]", "[0,1]", "{}", '{"type":5}', '{"type":null}'])(
    "closes with 1002 if it is %s, without a type",
    (message) => {
      expect(new Recorder().open().receive(message).closed?.[0]).toBe(1002);
    },
  );

  it.each(["future", "__proto__", "constructor", "toString", ""])(
    "of the unknown type %o is ignored",
    (type) => {
      const recorder = new Recorder().open().receive({ type, id: 1 });
      expect(recorder).toMatchObject({ closed: undefined, called: [], sent: [] });
    },
  );

  it("may have unknown fields", () => {
    const recorder = new Recorder().open().receive({ type: "call", id: 1, name: "a", future: 1 });
    expect(recorder.called).toHaveLength(1);
  });

  it("may be binary: the bytes are the data, or the input", () => {
    const recorder = new Recorder().open();
    recorder.session.receive(
      binary(`{"type":"publish","id":1,"topic":"a","number":1,"data":"x"}`, 10, 0, 255),
    );
    recorder.session.receive(binary(`{"type":"call","id":2,"name":"a"}`));
    recorder.session.receive(binary(`{"type":"ping"}`, 1));
    expect(recorder.called).toMatchObject([
      { type: "publish", data: new Uint8Array([10, 0, 255]) },
      { type: "call", input: new Uint8Array(0) },
    ]);
    expect(recorder.sent).toEqual([{ type: "pong" }]);
  });

  it("that is an auth frame above maxAuthBytes closes with 1009", () => {
    const recorder = new Recorder({ maxAuthBytes: 200 }).open();
    recorder.receive({ type: "auth", auth: "x".repeat(100) });
    expect(recorder.called).toHaveLength(1);
    recorder.receive({ type: "auth", auth: "x".repeat(200) });
    expect(recorder.closed?.[0]).toBe(1009);
  });
});

describe("a request", () => {
  it.each([undefined, null, 0, -1, 1.5, 2 ** 53, "1", {}])(
    "closes with 1002 if its id is %o",
    (id) => {
      expect(new Recorder().open().receive({ type: "call", id, name: "a" }).closed?.[0]).toBe(1002);
    },
  );

  it.each([
    { type: "subscribe", credit: 1 },
    { type: "subscribe", topic: 1, credit: 1 },
    { type: "subscribe", topic: "a" },
    { type: "subscribe", topic: "a", credit: -1 },
    { type: "subscribe", topic: "a", credit: "1" },
    { type: "subscribe", topic: "a", credit: 1, since: 5 },
    { type: "subscribe", topic: "a", credit: 1, last: 0.5 },
    { type: "publish", topic: "a" },
    { type: "publish", topic: "a", number: 0 },
    { type: "publish", topic: "a", key: "" },
    { type: "publish", topic: "a", key: "x".repeat(125) },
    { type: "publish", number: 1 },
    { type: "publish", topic: "a", number: 1, key: "" },
    { type: "publish", topic: "a", number: 1, key: "k" },
    { type: "publish", topic: "a", number: 1, key: null },
    { type: "watch" },
    { type: "enter", topic: [] },
    { type: "enter", topic: "a", replaces: "1" },
    { type: "leave" },
    { type: "history", topic: "a" },
    { type: "history", topic: "a", limit: -1 },
    { type: "history", topic: "a", limit: 1, before: 1 },
    { type: "history", topic: "a", limit: 1, before: "a:1", after: "a:1" },
    { type: "call" },
    { type: "call", name: "a", number: "1" },
    { type: "stream", name: "a" },
    { type: "stream", name: "a", credit: 1, lastId: "" },
    { type: "stream", name: "a", credit: 1, lastId: "x".repeat(257) },
  ])("fails with INVALID_REQUEST if a field is wrong: %o", (frame) => {
    const recorder = new Recorder().open().receive({ ...frame, id: 7 });
    // Only a publish can be stored, and the client tells the server that it has seen its failure.
    const mayBeStored = frame.type === "publish" ? false : undefined;
    const error = { type: "error", id: 7, code: "INVALID_REQUEST", mayBeStored };
    expect(
      recorder.sent.map((sent) => ({ mayBeStored: undefined, ...Object(sent) })),
    ).toMatchObject([error]);
    expect(recorder).toMatchObject({ called: [], closed: undefined });
  });

  it.each([
    { type: "unsubscribe" },
    { type: "unwatch", topic: 1 },
    { type: "credit", topic: "a" },
    { type: "credit", topic: "a", bytes: -1 },
    { type: "credit", stream: "1", bytes: 1 },
    { type: "credit", bytes: 1 },
  ])("without an answer closes with 1002 if a field is wrong: %o", (frame) => {
    expect(new Recorder().open().receive(frame).closed?.[0]).toBe(1002);
  });

  it("fails with INVALID_REQUEST if its id is in use, and the first request stays open", () => {
    const recorder = new Recorder().open();
    recorder.receive({ type: "call", id: 1, name: "a" }, { type: "call", id: 1, name: "b" });
    expect(recorder.sent).toEqual([
      { type: "error", id: 1, code: "INVALID_REQUEST", message: "the id is in use" },
    ]);
    expect(recorder.called).toHaveLength(1);
    recorder.session.answerOutput(1, "first");
    expect(recorder.sent[1]).toEqual({ type: "result", id: 1, output: "first" });
  });

  it("without data of the application fails with INVALID_REQUEST above 4,096 bytes", () => {
    const recorder = new Recorder().open();
    const subscribe = (id: number, length: number): string => {
      const frame = { type: "subscribe", id, topic: "a", credit: 1, padding: "" };
      const { length: rest } = JSON.stringify(frame);
      return JSON.stringify({ ...frame, padding: "x".repeat(length - rest) });
    };
    recorder.receive(subscribe(1, 4_096), subscribe(2, 4_097));
    expect(recorder.called).toMatchObject([{ id: 1 }]);
    expect(recorder.sent).toEqual([
      {
        type: "error",
        id: 2,
        code: "INVALID_REQUEST",
        message: "a subscribe frame of 4097 bytes exceeds the limit of 4096",
      },
    ]);
  });

  it("is too large above maxPendingBytes while other large requests have no answer", () => {
    const recorder = new Recorder({ maxPendingBytes: 5_000 }).open();
    const seen: boolean[] = [];
    recorder.onFrame = () => seen.push(recorder.session.exceedsPendingBytes);
    const call = (id: number, input: string): object => ({ type: "call", id, name: "a", input });
    const large = (id: number, length = 2_000): object => call(id, "x".repeat(length));
    recorder.receive(large(1), large(2), large(3));
    expect(seen.splice(0)).toEqual([false, false, true]);
    recorder.session.fail(3, { code: "TOO_MANY_REQUESTS" });
    recorder.receive(call(4, "small"), call(5, "small"));
    expect(seen.splice(0)).toEqual([false, false]);
    recorder.session.answer(1, {});
    recorder.receive(large(6));
    expect(seen.splice(0)).toEqual([false]);
    const forgotten = [2, 4, 5, 6].map((id) => recorder.session.forget(id));
    recorder.receive(large(7));
    expect(seen.splice(0)).toEqual([true]);
    recorder.session.fail(7, { code: "TOO_MANY_REQUESTS" });
    for (const bytes of forgotten) recorder.session.release(bytes);
    recorder.receive(large(8, 1_000_000));
    expect(seen).toEqual([false]);
  });

  it("fails with mayBeStored, also if the rest of its error is too big for the client", () => {
    const recorder = new Recorder().receive({ ...JSON.parse(HELLO), maxMessageBytes: 1_024 });
    recorder.session.welcome(WELCOME);
    recorder.sent.length = 0;
    for (const [index, fields] of [{ mayBeStored: true }, { mayBeStored: false }, {}].entries()) {
      const id = index + 1;
      recorder.receive({ type: "publish", id, topic: "a", number: id });
      recorder.session.fail(id, { code: "INVALID_DATA", message: "x".repeat(2_000), ...fields });
    }
    expect(recorder.sent).toMatchObject([
      { id: 1, code: "TOO_BIG", mayBeStored: true },
      { id: 2, code: "TOO_BIG", mayBeStored: false },
      { id: 3, code: "TOO_BIG" },
    ]);
    expect(recorder.sent[2]).not.toHaveProperty("mayBeStored");
  });

  it("can be answered at once or later, and only once", () => {
    const recorder = new Recorder().open();
    recorder.onFrame = ({ id }) => recorder.session.answerOutput(id!, "now");
    recorder.receive({ type: "call", id: 1, name: "a" });
    recorder.onFrame = () => {};
    recorder.receive({ type: "call", id: 2, name: "a" }, { type: "call", id: 1, name: "a" });
    recorder.session.fail(2, { code: "FORBIDDEN" });
    recorder.session.fail(2, { code: "FORBIDDEN" });
    recorder.session.answerOutput(1, undefined);
    recorder.session.answer(3, {});
    expect(recorder.sent).toEqual([
      { type: "result", id: 1, output: "now" },
      { type: "error", id: 2, code: "FORBIDDEN" },
      { type: "result", id: 1 },
    ]);
  });

  it("stays open if JSON cannot express its output", () => {
    const recorder = new Recorder().open().receive({ type: "call", id: 1, name: "a" });
    expect(() => recorder.session.answerOutput(1, 1n)).toThrow(TypeError);
    recorder.session.fail(1, { code: "INTERNAL" });
    expect(recorder.sent).toEqual([{ type: "error", id: 1, code: "INTERNAL" }]);
  });

  it("has bytes as its output in a binary frame", () => {
    const recorder = new Recorder().open().receive({ type: "call", id: 1, name: "a" });
    recorder.session.answerOutput(1, new Uint8Array([65, 10, 66]));
    expect(recorder.sent).toEqual(['{"type":"result","id":1}\nA\nB']);
  });

  it("gets no answer after the client has cancelled it", () => {
    const recorder = new Recorder().open();
    recorder.receive({ type: "call", id: 1, name: "a" }, { type: "cancel", id: 1 });
    expect(recorder.called).toHaveLength(2);
    recorder.session.forget(1);
    recorder.session.answerOutput(1, 5);
    expect(recorder.sent).toEqual([]);
  });

  it("gets no answer after the end of the connection", () => {
    const recorder = new Recorder().open().receive({ type: "call", id: 1, name: "a" });
    recorder.session.end();
    recorder.session.answerOutput(1, 5);
    recorder.session.send({ type: "pong" });
    recorder.receive({ type: "ping" });
    recorder.session.close(1000, "");
    expect(recorder).toMatchObject({ sent: [], closed: undefined });
  });
});

describe("any input", () => {
  const json = fc.jsonValue({ maxDepth: 2 });
  const types = fc.constantFrom(
    "hello",
    "auth",
    "subscribe",
    "unsubscribe",
    "credit",
    "publish",
    "watch",
    "unwatch",
    "enter",
    "leave",
    "history",
    "call",
    "stream",
    "cancel",
    "seen",
    "ping",
    "other",
  );
  const value = fc.oneof(json, fc.constantFrom(1, 2, "a", "a:1", SECRET, 0, -1));
  const frame = fc.record(
    {
      type: fc.oneof({ weight: 20, arbitrary: types }, { weight: 1, arbitrary: json }),
      id: fc.oneof(fc.integer({ min: 1, max: 5 }), value),
      topic: value,
      name: value,
      credit: value,
      number: value,
      key: value,
      limit: value,
      bytes: value,
      stream: value,
      session: value,
      connection: value,
    },
    { requiredKeys: ["type"] },
  );
  const message = fc.oneof(
    { weight: 10, arbitrary: frame.map((fields) => JSON.stringify(fields)) },
    { weight: 1, arbitrary: fc.string() },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 20 }) },
    { weight: 3, arbitrary: frame.map((fields) => binary(JSON.stringify(fields), 1, 2)) },
  );

  it("never throws, and answers each request exactly once", () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 40 }), fc.boolean(), (messages, isLate) => {
        const recorder = new Recorder().open();
        const open: number[] = [];
        recorder.onFrame = ({ id, type }) => {
          if (!isRequest(type)) return;
          if (isLate) open.push(id!);
          else recorder.session.answer(id!, {});
        };
        for (const one of messages) recorder.session.receive(one);
        for (const id of open) recorder.session.answer(id, {});
        if (recorder.closed !== undefined) {
          expect([1002, 1007, 1009]).toContain(recorder.closed[0]);
          return;
        }
        const requests = recorder.called.filter((called) =>
          isRequest((called as { type: string }).type),
        );
        const results = recorder.sent.filter(
          (sent) => (sent as { type?: string }).type === "result",
        );
        expect(results).toHaveLength(requests.length);
      }),
    );
  });

  it("has the same effect before and after the welcome, wherever it comes among the messages", () => {
    const process = (messages: readonly (string | Uint8Array)[], early: number): Recorder => {
      const recorder = new Recorder({ maxAuthBytes: 1_000_000 }).receive(HELLO);
      recorder.onFrame = ({ id, type }) => {
        if (isRequest(type)) recorder.session.answer(id!, {});
      };
      for (const [index, one] of messages.entries()) {
        if (index === early) recorder.session.welcome(WELCOME);
        recorder.session.receive(one);
      }
      if (early >= messages.length) recorder.session.welcome(WELCOME);
      return recorder;
    };
    fc.assert(
      fc.property(fc.array(message, { maxLength: 20 }), fc.nat(20), (messages, early) => {
        const { called, sent, closed } = process(messages, 0);
        expect(process(messages, early)).toMatchObject({ called, sent, closed });
      }),
    );
  });

  it("closes at most once before the welcome, and holds at most maxAuthBytes", () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 40 }), (messages) => {
        const recorder = new Recorder({ maxAuthBytes: 500 });
        for (const one of messages) recorder.session.receive(one);
        const bytes = messages.reduce((sum, one) => sum + one.length, 0);
        if (bytes > 500) expect(recorder.closed).toBeDefined();
        expect(recorder.called.length).toBeLessThanOrEqual(1);
      }),
    );
  });
});
