import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Endpoint } from "../../src/protocol/endpoint.ts";
import { OutputBuffer } from "../../src/protocol/output-buffer.ts";
import { PreparedMessage } from "../../src/protocol/prepared-message.ts";
import { SharedOutput } from "../../src/protocol/shared-output.ts";
import { exactPool, frame, hexOf, plainEnvironment, toHex } from "./support.ts";

/** A server's endpoint with its output taken away as in a connection. */
class Sender {
  readonly output: OutputBuffer;
  readonly endpoint: Endpoint;
  /** The flushed output: the bytes at that time, and where they are now. */
  readonly #left: Array<{ readonly hex: string; readonly bytes: Uint8Array }> = [];

  constructor(shared: SharedOutput) {
    this.output = new OutputBuffer(exactPool, shared);
    const onNothing = (): void => {};
    this.endpoint = new Endpoint({ role: "server" }, plainEnvironment, this.output, {
      onText: onNothing,
      onBinary: onNothing,
      onPing: onNothing,
      onPong: onNothing,
      onFinish: onNothing,
    });
  }

  flush(): Uint8Array {
    const { length, isShared } = this.output;
    const whole = this.output.detach();
    const bytes = whole.subarray(0, length);
    this.#left.push({ hex: toHex(bytes), bytes });
    return isShared ? whole : bytes;
  }

  get written(): string {
    this.flush();
    return this.#left.map(({ hex }) => hex).join("");
  }

  get writtenAsItIsNow(): string {
    return this.#left.map(({ bytes }) => toHex(bytes)).join("");
  }
}

const share = (): SharedOutput => new SharedOutput((byteLength) => new Uint8Array(byteLength));
const sent = (text: string): string => frame("81", hexOf(text));

describe("output that many connections share", () => {
  it("is built once for all connections that send the same messages in a row", () => {
    const shared = share();
    const messages = ["one", "two", "three"].map((text) => new PreparedMessage(text));
    const senders = Array.from({ length: 4 }, () => new Sender(shared));
    for (const message of messages) {
      for (const { endpoint } of senders) endpoint.sendPrepared(message);
    }
    // The first one writes the frames into a separate output.
    const [, ...others] = senders.map((sender) => sender.flush());
    expect(toHex(others[0])).toBe(sent("one") + sent("two") + sent("three"));
    expect(new Set(others).size).toBe(1);
  });

  it("is reused for connections that send the same messages later", () => {
    const shared = share();
    const messages = ["welcome", "rules"].map((text) => new PreparedMessage(text));
    const outputs = Array.from({ length: 4 }, () => {
      const sender = new Sender(shared);
      for (const message of messages) sender.endpoint.sendPrepared(message);
      return sender.flush();
    });
    expect(outputs[3]).toBe(outputs[2]);
    expect(outputs.map(toHex)).toEqual(outputs.map(() => sent("welcome") + sent("rules")));
  });

  it("is not affected by a connection that sends another message", () => {
    const shared = share();
    const message = new PreparedMessage("all");
    const [first, second, third] = [1, 2, 3].map(() => new Sender(shared));
    for (const { endpoint } of [first, second, third]) endpoint.sendPrepared(message);
    second.endpoint.sendText("mine");
    second.endpoint.sendPrepared(message);
    third.endpoint.sendPrepared(message);
    expect(second.output.isShared).toBe(false);
    expect(third.output.isShared).toBe(true);
    expect(second.written).toBe(sent("all") + sent("mine") + sent("all"));
    expect(third.written).toBe(sent("all").repeat(2));
    expect(first.written).toBe(sent("all"));
  });

  it("is not changed by connections that continue differently", () => {
    const shared = share();
    const [one, two, three, four] = ["1", "2", "3", "4"].map((text) => new PreparedMessage(text));
    const [maker, first, second] = [1, 2, 3].map(() => new Sender(shared));
    for (const message of [one, two, three, four]) maker.endpoint.sendPrepared(message);
    for (const message of [one, two, three]) first.endpoint.sendPrepared(message);
    first.flush();
    for (const message of [one, two, four]) second.endpoint.sendPrepared(message);
    expect(second.written).toBe(sent("1") + sent("2") + sent("4"));
    expect(first.writtenAsItIsNow).toBe(sent("1") + sent("2") + sent("3"));
  });

  it("holds at most 64 KiB", () => {
    const shared = share();
    const messages = [1, 2, 3].map((at) => new PreparedMessage(String(at).repeat(30_000)));
    const senders = [1, 2].map(() => new Sender(shared));
    for (const message of messages) {
      for (const { endpoint } of senders) endpoint.sendPrepared(message);
    }
    expect(senders.map(({ output }) => output.isShared)).toEqual([false, false]);
    expect(senders[1].output.length).toBe(3 * 30_004);
  });

  it("equals the output of each connection alone and never changes, for any messages of the others", () => {
    const texts = ["a", "bc", "d".repeat(200), "e".repeat(40_000)];
    const prepared = fc.record({ prepared: fc.nat(texts.length - 1) });
    const action = fc.record({
      to: fc.uniqueArray(fc.nat(2), { minLength: 1 }),
      what: fc.oneof(
        { arbitrary: prepared, weight: 8 },
        { arbitrary: fc.record({ own: fc.constantFrom("", "own", "o".repeat(300)) }), weight: 1 },
        { arbitrary: fc.constant("flush" as const), weight: 2 },
      ),
    });
    const property = fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const shared = share();
      const messages = texts.map((text) => new PreparedMessage(text));
      const senders = [0, 1, 2].map(() => new Sender(shared));
      const expected = senders.map(() => "");
      for (const { to, what } of actions) {
        for (const at of to) {
          if (what === "flush") senders[at].flush();
          else if ("own" in what) senders[at].endpoint.sendText(what.own);
          else senders[at].endpoint.sendPrepared(messages[what.prepared]);
          if (what !== "flush")
            expected[at] += sent("own" in what ? what.own : texts[what.prepared]);
        }
      }
      expect(senders.map((sender) => sender.written)).toEqual(expected);
      expect(senders.map((sender) => sender.writtenAsItIsNow)).toEqual(expected);
    });
    fc.assert(property, { numRuns: 300 });
  });
});
