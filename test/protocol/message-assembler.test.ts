/** Frames in, messages out. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteBudget } from "../../src/protocol/byte-budget.ts";
import type { CloseFrame } from "../../src/protocol/close-frame.ts";
import type { Fault } from "../../src/protocol/frame-rules.ts";
import { MessageAssembler, type MessageHandler } from "../../src/protocol/message-assembler.ts";
import { fromHex, hexOf, plainEnvironment, type Role, ROLES, toHex } from "./support.ts";

const KEY = 0x37fa213d;

/** Records the messages, and feeds frames with payloads that are split anywhere. */
class Assembly implements MessageHandler {
  readonly events: string[] = [];
  readonly assembler: MessageAssembler;
  readonly #isMasked: boolean;

  constructor(role: Role, maxMessageBytes = 1000, budget?: ByteBudget) {
    this.#isMasked = role === "server";
    const options = { role, maxMessageBytes, deflate: undefined, unfinishedBudget: budget };
    this.assembler = new MessageAssembler(options, plainEnvironment, this);
  }

  onText(text: string): void {
    this.events.push(`text ${text}`);
  }

  onBinary(bytes: Uint8Array): void {
    this.events.push(`binary ${toHex(bytes)}`);
  }

  onPing(payload: Uint8Array): void {
    this.events.push(`ping ${toHex(payload)}`);
  }

  onPong(payload: Uint8Array): void {
    this.events.push(`pong ${toHex(payload)}`);
  }

  onCloseFrame({ code, reason }: CloseFrame): void {
    this.events.push(`close ${code} ${reason}`);
  }

  onFault({ code, closeCode }: Fault): void {
    this.events.push(`${closeCode} ${code}`);
  }

  /** @param cuts where the payload is split into chunks */
  frame(firstByte: number, payloadHex: string, cuts: readonly number[] = []): void {
    const payload = fromHex(payloadHex);
    if (this.#isMasked) {
      for (let at = 0; at < payload.length; at++) payload[at] ^= KEY >>> (24 - 8 * (at & 3));
    }
    const ends = [...cuts.filter((cut) => cut < payload.length), payload.length];
    const key = this.#isMasked ? KEY : 0;
    this.assembler.beginChunk();
    this.assembler.beginFrame(
      firstByte,
      payload.length,
      key,
      payload.slice(0, ends[0]),
      0,
      ends[0],
    );
    for (let part = 1; part < ends.length; part++) {
      const [start, end] = [ends[part - 1], ends[part]];
      this.assembler.beginChunk();
      this.assembler.addPayload(payload.slice(start, end), 0, end - start, payload.length - end);
    }
  }
}

describe.each(ROLES)("the message assembler of a %s", (role) => {
  it("assembles the same messages wherever payloads are split, with any fragments", () => {
    const message = fc.oneof(
      fc
        .string({ unit: "grapheme" })
        .map((text) => ({ opcode: 1, hex: hexOf(text), event: `text ${text}` })),
      fc
        .uint8Array()
        .map((bytes) => ({ opcode: 2, hex: toHex(bytes), event: `binary ${toHex(bytes)}` })),
    );
    const sizes = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 5 });
    fc.assert(
      fc.property(fc.array(fc.tuple(message, sizes, sizes)), (messages) => {
        const assembly = new Assembly(role, 100_000);
        for (const [{ opcode, hex }, fragments, cuts] of messages) {
          let rest = hex;
          let first = opcode;
          for (const size of fragments) {
            assembly.frame(first, rest.slice(0, size * 2));
            rest = rest.slice(size * 2);
            first = 0;
          }
          assembly.frame(
            0x80 | first,
            rest,
            [...new Set(cuts)].toSorted((a, b) => a - b),
          );
        }
        expect(assembly.events).toEqual(messages.map(([{ event }]) => event));
        expect(assembly.assembler.bufferedBytes).toBe(0);
      }),
    );
  });

  it("delivers control frames between fragments and reads the Close frame (RFC 6455 5.5)", () => {
    const assembly = new Assembly(role);
    assembly.frame(0x01, hexOf("a"));
    assembly.frame(0x89, "0102", [1]);
    assembly.frame(0x8a, "");
    assembly.frame(0x80, hexOf("b"));
    assembly.frame(0x88, `03e8${hexOf("bye")}`, [1, 3]);
    assembly.frame(0x88, "");
    expect(assembly.events).toEqual([
      "ping 0102",
      "pong ",
      "text ab",
      "close 1000 bye",
      "close 1005 ",
    ]);
  });

  it.each<[string, string, (assembly: Assembly) => void]>([
    ["a frame above the limit", "1009 MESSAGE_TOO_BIG", (to) => to.frame(0x82, "00".repeat(1001))],
    ["text that is not UTF-8", "1007 INVALID_UTF8", (to) => to.frame(0x81, "c328")],
    [
      "text that is truncated and not UTF-8",
      "1007 INVALID_UTF8",
      (to) => to.frame(0x81, "61c328", [2]),
    ],
    ["text that ends in a sequence", "1007 INVALID_UTF8", (to) => to.frame(0x81, "e282", [1])],
    ["a reserved close code", "1002 INVALID_CLOSE_CODE", (to) => to.frame(0x88, "03ed")],
    ["a close reason that is not UTF-8", "1007 INVALID_UTF8", (to) => to.frame(0x88, "03e8ff")],
  ])("reports %s once and delivers nothing", (_, fault, send) => {
    const assembly = new Assembly(role);
    send(assembly);
    expect(assembly.events).toEqual([fault]);
  });

  it("counts the bytes that it holds and returns them to the budget when it stops", () => {
    const budget = new ByteBudget(1000);
    const assembly = new Assembly(role, 1000, budget);
    assembly.frame(0x02, "00".repeat(100));
    expect(budget.usedBytes).toBe(assembly.assembler.bufferedBytes);
    expect(budget.usedBytes).toBeGreaterThanOrEqual(100);
    assembly.assembler.stop();
    expect([budget.usedBytes, assembly.assembler.bufferedBytes]).toEqual([0, 0]);
  });
});
