/** Consecutive messages in a chunk, which a client decodes together in place. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodeProtocolEnvironment } from "../../src/node/environment/protocol-environment.ts";
import { withSharedBuffers } from "../../src/protocol/endpoint-environment.ts";
import { Endpoint } from "../../src/protocol/endpoint.ts";
import { OutputBuffer } from "../../src/protocol/output-buffer.ts";
import {
  asPeerOf,
  exactPool,
  frame,
  fromHex,
  hexOf,
  lend,
  plainEnvironment,
  probe,
  ROLES,
  toHex,
} from "./support.ts";

interface Message {
  readonly first: "81" | "82" | "89";
  readonly payload: string;
}

const ascii = fc
  .integer({ min: 0, max: 600 })
  .map((length) => "abcdefghij".repeat(60).slice(0, length));
const message: fc.Arbitrary<Message> = fc.oneof(
  { weight: 6, arbitrary: ascii.map((text) => ({ first: "81" as const, payload: hexOf(text) })) },
  fc.string({ unit: "binary", maxLength: 300 }).map((text) => ({
    first: "81" as const,
    payload: hexOf(text),
  })),
  fc
    .uint8Array({ maxLength: 3000 })
    .map((bytes) => ({ first: "82" as const, payload: toHex(bytes) })),
  fc.uint8Array({ maxLength: 5 }).map((bytes) => ({ first: "89" as const, payload: toHex(bytes) })),
);

/** The expected events. */
function meant({ first, payload }: Message): object {
  if (first === "82") return { binary: payload };
  if (first === "89") return { ping: payload };
  return { text: Buffer.from(payload, "hex").toString() };
}

describe.each([
  ["plain typed arrays", plainEnvironment],
  ["Node", nodeProtocolEnvironment],
])("many messages in a chunk, with %s,", (_, environment) => {
  it.each(ROLES)("are delivered correctly by a %s wherever the chunks are split", (role) => {
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 40 }),
        fc.array(fc.integer({ min: 1, max: 5000 }), { maxLength: 10 }),
        fc.integer({ min: 0, max: 8 }),
        (messages, lengths, offset) => {
          const { endpoint, events } = probe(role, {}, environment);
          const frames = messages.map(({ first, payload }) => frame(first, payload)).join("");
          let rest = asPeerOf(role, fromHex(frames));
          for (const length of [...lengths, Infinity]) {
            const chunk = new Uint8Array(offset + Math.min(length, rest.length)).subarray(offset);
            chunk.set(rest.subarray(0, length));
            rest = rest.subarray(length);
            lend(chunk, (bytes) => endpoint.receive(bytes));
          }
          expect(events).toEqual(messages.map(meant));
        },
      ),
      { numRuns: 300 },
    );
  });

  it("are read again from a chunk in the memory of the previous chunk", () => {
    const { endpoint, events } = probe("client", {}, environment);
    const chunk = new Uint8Array(3 * 22);
    for (const letter of ["a", "b"]) {
      chunk.set(fromHex(frame("81", hexOf(letter.repeat(20))).repeat(3)));
      endpoint.receive(chunk);
    }
    expect(events.map((each) => "text" in each && each.text[0])).toEqual(Array.from("aaabbb"));
  });

  it("are not mixed up with messages that another endpoint receives in a callback", () => {
    const other = probe("client", {}, environment);
    const texts: string[] = [];
    const endpoint = new Endpoint({ role: "client" }, environment, new OutputBuffer(exactPool), {
      onText(text) {
        texts.push(text);
        other.receive(frame("81", hexOf("other")).repeat(20));
      },
      onBinary: () => {},
      onPing: () => {},
      onPong: () => {},
      onFinish: () => {},
    });
    const expected = ["first of all", "second of all", "third of all", "fourth of all"];
    endpoint.receive(fromHex(expected.map((text) => frame("81", hexOf(text))).join("")));
    expect(texts).toEqual(expected);
    expect(other.events).toEqual(Array.from({ length: 80 }, () => ({ text: "other" })));
  });
});

describe("a text next to other texts", () => {
  it("is decoded together with at most 2 KiB of them", () => {
    const lengths: number[] = [];
    const { receive, events } = probe(
      "client",
      {},
      withSharedBuffers({
        ...plainEnvironment,
        decodeAscii(bytes, start, end) {
          lengths.push(end - start);
          return plainEnvironment.decodeAscii(bytes, start, end);
        },
      }),
    );
    receive(frame("81", hexOf("x".repeat(125))).repeat(500));
    expect(events).toEqual(Array.from({ length: 500 }, () => ({ text: "x".repeat(125) })));
    expect(Math.max(...lengths)).toBe(2048);
    // Fewer than one call for ten texts; otherwise decoding them together has no benefit.
    expect(lengths.length).toBeLessThan(50);
  });

  it("is decoded alone if no other text is next to it", () => {
    const lengths: number[] = [];
    const { receive } = probe(
      "client",
      {},
      withSharedBuffers({
        ...plainEnvironment,
        decodeAscii(bytes, start, end) {
          lengths.push(end - start);
          return plainEnvironment.decodeAscii(bytes, start, end);
        },
      }),
    );
    receive((frame("81", hexOf("alone")) + frame("82", "00".repeat(1000))).repeat(10));
    expect(lengths).toEqual(Array.from({ length: 10 }, () => 5));
  });
});

describe("a binary message of a client", () => {
  it.each<[string, (payload: string) => string[]]>([
    ["in one frame", (payload) => [frame("82", payload)]],
    ["after another message", (payload) => [frame("82", "00ff") + frame("82", payload)]],
    [
      "in fragments",
      (payload) => [frame("02", payload.slice(0, 2)), frame("80", payload.slice(2))],
    ],
    [
      "in fragments, the last one empty",
      (payload) => {
        const cut = (payload.length / 3) & ~1;
        return [
          frame("02", payload.slice(0, -cut || undefined)),
          frame("00", payload.slice(payload.length - cut)),
          frame("80", ""),
        ];
      },
    ],
    [
      "split between chunks",
      (payload) => [frame("82", payload).slice(0, -2), frame("82", payload).slice(-2)],
    ],
  ])("%s fills its buffer, which may be transferred", (_, framesOf) => {
    for (const length of [1, 2, 125, 1000, 2048, 2049, 50_000, 100_000]) {
      const messages: Uint8Array[] = [];
      const endpoint = new Endpoint(
        { role: "client" },
        nodeProtocolEnvironment,
        new OutputBuffer(exactPool),
        {
          onText: () => {},
          onBinary: (bytes) => messages.push(bytes),
          onPing: () => {},
          onPong: () => {},
          onFinish: () => {},
        },
      );
      const payload = toHex(Uint8Array.from({ length }, (_byte, index) => index * 7));
      for (const chunk of framesOf(payload)) {
        lend(fromHex(chunk), (bytes) => endpoint.receive(bytes));
      }
      const last = messages.at(-1)!;
      expect(last.buffer.byteLength).toBe(length);
      expect(toHex(new Uint8Array(last.buffer))).toBe(payload);
    }
  });
});
