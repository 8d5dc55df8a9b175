import * as fc from "fast-check";

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, "hex"));
}

/** `bytes` in pieces. Each cut is a position, taken modulo the length. */
export function cutAt(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const edges = cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b);
  return [0, ...edges].map((edge, index) => bytes.slice(edge, edges[index] ?? bytes.length));
}

export function byteByByte(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (byte) => Uint8Array.of(byte));
}

export const cuts: fc.Arbitrary<number[]> = fc.array(fc.nat(10_000), { maxLength: 12 });

type Damage = readonly [
  kind: "flip" | "insert" | "delete" | "repeat" | "end",
  at: number,
  value: number,
];

const damage: fc.Arbitrary<Damage> = fc.tuple(
  fc.constantFrom("flip", "insert", "delete", "repeat", "end"),
  fc.nat(10_000),
  fc.nat(255),
);

/** The bytes of `source`, usually with a few bytes changed, inserted, removed or repeated. */
export function damaged(source: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(source, fc.array(damage, { maxLength: 4 }))
    .map(([bytes, damages]) => damages.reduce(inflict, bytes));
}

function inflict(bytes: Uint8Array, [kind, place, value]: Damage): Uint8Array {
  const at = place % (bytes.length + 1);
  const head = bytes.subarray(0, at);
  switch (kind) {
    case "flip":
      return concat(
        head,
        bytes.subarray(at, at + 1).map((byte) => byte ^ (1 << (value % 8))),
        bytes.subarray(at + 1),
      );
    case "insert":
      return concat(head, Uint8Array.of(value), bytes.subarray(at));
    case "delete":
      return concat(head, bytes.subarray(at + 1 + (value % 4)));
    case "repeat":
      return concat(head, bytes.subarray(at, at + value), bytes.subarray(at));
    case "end":
      return head;
  }
}

function concat(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}
