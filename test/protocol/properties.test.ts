import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodePlatform } from "../../src/node/platform.ts";
import {
  asPeerOf,
  frame,
  hexOf,
  lend,
  plainPlatform,
  probe,
  ROLES,
  toHex,
  type Told,
} from "./support.ts";

const hexBytes = (maxLength: number) => fc.uint8Array({ maxLength }).map(toHex);
const text = fc.string({ unit: "binary", maxLength: 300 });

/** Whole conversations: messages in any fragments, control frames between them. */
const control = fc.oneof(
  hexBytes(125).map((payload) => frame("89", payload)),
  hexBytes(125).map((payload) => frame("8a", payload)),
);
const message = fc
  .tuple(fc.boolean(), text, fc.array(fc.nat(300), { maxLength: 4 }), fc.array(control))
  .map(([isText, content, cuts, controls]) => {
    const hex = hexOf(content);
    const edges = [0, ...cuts.map((cut) => Math.min(cut * 2, hex.length)), hex.length];
    edges.sort((a, b) => a - b);
    let out = "";
    for (let index = 1; index < edges.length; index++) {
      const opcode = index > 1 ? 0 : isText ? 1 : 2;
      const isFinal = index === edges.length - 1;
      out += frame(
        isFinal ? `8${opcode}` : `0${opcode}`,
        hex.slice(edges[index - 1], edges[index]),
      );
      if (!isFinal) out += controls[index - 1] ?? "";
    }
    return out;
  });
const conversation = fc
  .tuple(fc.array(fc.oneof(message, control), { maxLength: 6 }), fc.constantFrom("", "880203e8"))
  .map(([frames, close]) => frames.join("") + close);

/** Also bytes that break the rules somewhere. */
const stream = fc
  .tuple(conversation, fc.option(fc.tuple(fc.nat(), fc.nat(255))))
  .map(([hex, damage]) => {
    const bytes = Buffer.from(hex, "hex");
    if (damage !== null && bytes.length > 0) bytes[damage[0] % bytes.length] = damage[1];
    return bytes;
  });

describe.each(ROLES)("a %s", (role) => {
  function tell(chunks: Uint8Array[], platform = plainPlatform): { told: Told[]; written: string } {
    const { endpoint, told, written } = probe(role, { maxMessageBytes: 4096 }, platform);
    for (const chunk of chunks) lend(Uint8Array.from(chunk), (bytes) => endpoint.receive(bytes));
    return { told, written: written() };
  }

  /** As `tell`, to one who pauses at everything told, and resumes only when all chunks are there. */
  function tellSlowly(chunks: Uint8Array[]): { told: Told[]; written: string } {
    const { endpoint, told, written } = probe(role, { maxMessageBytes: 4096 });
    const push = told.push.bind(told);
    told.push = (...items) => {
      endpoint.pause();
      return push(...items);
    };
    for (const chunk of chunks) lend(Uint8Array.from(chunk), (bytes) => endpoint.receive(bytes));
    for (let count = -1; count < told.length;) {
      count = told.length;
      endpoint.resume();
    }
    told.push = push;
    return { told: [...told], written: written() };
  }

  it("tells the same whatever the cuts between chunks, and to one who keeps pausing", () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 20 }), (bytes, cuts) => {
        // Masked with its damage in it: what breaks the rules then breaks them for a server too.
        const masked = maskLoosely(role, bytes);
        const edges = [0, ...cuts.map((cut) => cut % (masked.length + 1)), masked.length];
        edges.sort((a, b) => a - b);
        const chunks = edges.slice(1).map((edge, index) => masked.subarray(edges[index], edge));
        expect(tell(chunks)).toEqual(tell([masked]));
        expect(tellSlowly(chunks)).toEqual(tell([masked]));
      }),
      { numRuns: 1000 },
    );
  });

  it("tells the same byte by byte", () => {
    fc.assert(
      fc.property(stream, (bytes) => {
        const masked = maskLoosely(role, bytes);
        expect(tell(Array.from(masked, (byte) => Uint8Array.of(byte)))).toEqual(tell([masked]));
      }),
      { numRuns: 300 },
    );
  });

  it("tells the same on Node's platform as on plain typed arrays", () => {
    fc.assert(
      fc.property(stream, (bytes) => {
        const masked = maskLoosely(role, bytes);
        expect(tell([masked], nodePlatform)).toEqual(tell([masked]));
      }),
      { numRuns: 500 },
    );
  });

  it("never throws on bytes at random", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 8 }), (chunks) => {
        tell(chunks);
      }),
      { numRuns: 2000 },
    );
  });

  it("takes from the other role exactly what that one was given to send", () => {
    const sent = fc.array(
      fc.oneof(
        fc.string({ unit: "grapheme", maxLength: 400 }),
        fc.uint8Array({ maxLength: 70_000, size: "max" }),
      ),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(sent, fc.option(fc.integer({ min: 1, max: 500 })), (messages, maxFrameBytes) => {
        const sender = probe(role === "server" ? "client" : "server", {
          maxFrameBytes: maxFrameBytes ?? Infinity,
        });
        const receiver = probe(role);
        for (const item of messages) {
          if (typeof item === "string") sender.endpoint.sendText(item);
          else sender.endpoint.sendBinary(item);
        }
        receiver.receive(sender.written());
        expect(receiver.told).toEqual(
          messages.map((item) =>
            typeof item === "string" ? { text: item } : { binary: toHex(item) },
          ),
        );
      }),
      { numRuns: 60 },
    );
  });
});

/** Masks for a server even what is not a row of whole frames. */
function maskLoosely(role: "client" | "server", bytes: Uint8Array): Uint8Array {
  try {
    return asPeerOf(role, bytes);
  } catch {
    return bytes;
  }
}
