/** Frames for the targets that read them: valid, almost valid, and random bytes. */
import * as fc from "fast-check";
import { damaged } from "../bytes.ts";

interface FrameSpec {
  /** FIN, the RSV bits and the opcode. */
  readonly first: number;
  readonly payload: Uint8Array;
  /** The size of the extended length; undefined is as the RFC requires. */
  readonly lengthBytes?: 0 | 2 | 8 | undefined;
  /** The declared length instead of the payload's. */
  readonly declared?: bigint | undefined;
  readonly isMasked: boolean;
  readonly key: Uint8Array;
}

/** One frame as bytes. */
function encodeFrame(spec: FrameSpec): Uint8Array {
  const { first, payload, isMasked, key } = spec;
  const declared = spec.declared ?? BigInt(payload.length);
  const lengthBytes = spec.lengthBytes ?? (declared < 126n ? 0 : declared < 65_536n ? 2 : 8);
  const short = lengthBytes === 0 ? Number(declared & 0x7fn) : lengthBytes === 2 ? 126 : 127;
  const extended = BigInt.asUintN(lengthBytes * 8, declared);
  const hex = lengthBytes === 0 ? "" : extended.toString(16).padStart(lengthBytes * 2, "0");
  return Uint8Array.from([
    first,
    (isMasked ? 0x80 : 0) | short,
    ...Buffer.from(hex, "hex"),
    ...(isMasked ? key : []),
    ...(isMasked ? payload.map((byte, index) => byte ^ key[index & 3]) : payload),
  ]);
}

const key = fc.uint8Array({ minLength: 4, maxLength: 4 });
const utf8 = fc.string({ unit: "binary", maxLength: 60 }).map((text) => Buffer.from(text));
const anyBytes = fc.uint8Array({ maxLength: 40 });
const longBytes = fc
  .constantFrom(124, 125, 126, 127, 200, 4095, 4096, 4097)
  .map((length) => new Uint8Array(length).fill(0x61));
const payload = fc.oneof(
  { weight: 6, arbitrary: utf8 },
  { weight: 3, arbitrary: anyBytes },
  { weight: 1, arbitrary: longBytes },
);
const closePayload = fc
  .tuple(fc.oneof(fc.constantFrom(1000, 1001, 1005, 3000, 4999), fc.nat(65_535)), utf8)
  .map(([code, reason]) => Uint8Array.of(code >> 8, code, ...reason.subarray(0, 123)));

const DECLARED = [
  0n,
  1n,
  125n,
  126n,
  65_535n,
  65_536n,
  1n << 32n,
  1n << 53n,
  (1n << 63n) - 1n,
  1n << 63n,
];

/** A frame in which anything may be wrong, but rarely much. */
function oddFrame(isMasked: boolean): fc.Arbitrary<Uint8Array> {
  return fc
    .record({
      first: fc.oneof(
        { weight: 6, arbitrary: fc.constantFrom(0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8a) },
        { weight: 1, arbitrary: fc.nat(255) },
      ),
      payload,
      lengthBytes: seldom(undefined, fc.constantFrom(0 as const, 2 as const, 8 as const)),
      declared: seldom(undefined, fc.constantFrom(...DECLARED)),
      isMasked: seldom(isMasked, fc.constant(!isMasked)),
      key,
    })
    .map(encodeFrame);
}

function seldom<T, U>(usual: T, odd: fc.Arbitrary<U>): fc.Arbitrary<T | U> {
  return fc.oneof({ weight: 8, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: odd });
}

/** A message: the first byte of its first frame without FIN, and its content. */
type Content = Pick<FrameSpec, "first" | "payload">;

const plainContent = fc.record({ first: fc.constantFrom(1, 2), payload });

/** A message in fragments, with control frames between them. */
function message(isMasked: boolean, content: fc.Arbitrary<Content>): fc.Arbitrary<Uint8Array> {
  const control = fc
    .tuple(fc.constantFrom(0x89, 0x8a), fc.uint8Array({ maxLength: 125 }), key)
    .map(([first, bytes, maskingKey]) =>
      encodeFrame({ first, payload: bytes, isMasked, key: maskingKey }),
    );
  const parts = fc.array(fc.tuple(fc.nat(300), key, fc.option(control)), { maxLength: 4 });
  return fc
    .tuple(content, parts, key)
    .map(([{ first: opcode, payload: bytes }, cutsAndControls, lastKey]) => {
      const frames: Uint8Array[] = [];
      let start = 0;
      for (const [cut, maskingKey, between] of cutsAndControls) {
        const end = start + (cut % (bytes.length - start + 1));
        const first = frames.length === 0 ? opcode : 0;
        frames.push(
          encodeFrame({ first, payload: bytes.slice(start, end), isMasked, key: maskingKey }),
        );
        if (between !== null) frames.push(between);
        start = end;
      }
      const first = 0x80 | (frames.length === 0 ? opcode : 0);
      frames.push(encodeFrame({ first, payload: bytes.slice(start), isMasked, key: lastKey }));
      return Uint8Array.from(Buffer.concat(frames));
    });
}

function close(isMasked: boolean): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(fc.oneof(closePayload, fc.constant(new Uint8Array(0))), key)
    .map(([bytes, maskingKey]) =>
      encodeFrame({ first: 0x88, payload: bytes, isMasked, key: maskingKey }),
    );
}

/**
 * Bytes for an end that expects masked or unmasked frames: conversations, intact and damaged.
 * `compressed` makes payloads of messages that are sent with RSV1.
 */
export function wireBytes(
  isMasked: boolean,
  corpus: readonly Uint8Array[],
  compressed?: fc.Arbitrary<Uint8Array>,
): fc.Arbitrary<Uint8Array> {
  const content =
    compressed === undefined
      ? plainContent
      : fc.oneof(
          plainContent,
          // With RSV1 (RFC 7692 6).
          fc.record({ first: fc.constantFrom(0x41, 0x42), payload: compressed }),
          fc.record({ first: fc.constantFrom(0x41, 0x42), payload: damaged(compressed) }),
        );
  const frame = fc.oneof(
    { weight: 6, arbitrary: message(isMasked, content) },
    { weight: 2, arbitrary: oddFrame(isMasked) },
    { weight: 1, arbitrary: close(isMasked) },
  );
  const conversation = fc
    .array(frame, { maxLength: 6 })
    .map((frames) => Uint8Array.from(Buffer.concat(frames)));
  return fc.oneof(
    { weight: 4, arbitrary: conversation },
    { weight: 4, arbitrary: damaged(conversation) },
    { weight: 1, arbitrary: damaged(fc.constantFrom(new Uint8Array(0), ...corpus)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }) },
  );
}
