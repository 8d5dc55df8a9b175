import assert from "node:assert/strict";
import * as fc from "fast-check";
import { fastEnvironment, plainEnvironment } from "../../../src/node/serve/tcp-environments.ts";
import { nodeProtocolEnvironment } from "../../../src/node/environment/protocol-environment.ts";
import { Endpoint } from "../../../src/protocol/endpoint.ts";
import { OutputBuffer } from "../../../src/protocol/output-buffer.ts";
import { exactPool, type Role, ROLES } from "../../protocol/support.ts";
import { byteByByte, cutAt, cuts, fromHex, toHex } from "../bytes.ts";
import { readFrames, type ModelEvent } from "../model/frames.ts";
import { inflateMessages } from "../model/inflate.ts";
import type { FuzzTarget } from "../target.ts";
import { compressedBytes } from "./compressed-bytes.ts";
import { wireBytes } from "./wire-frames.ts";

interface CompressedFramesInput {
  /** The end that reads, with permessage-deflate. */
  readonly role: Role;
  readonly takesOver: boolean;
  readonly maxMessageBytes: number;
  /** The bytes on the wire in hex. */
  readonly bytes: string;
  readonly cuts: readonly number[];
}

/**
 * An endpoint with permessage-deflate reports the events of both models combined, wherever the
 * bytes are split.
 */
export const compressedFrames: FuzzTarget<CompressedFramesInput> = {
  name: "compressed-frames",

  arbitrary(corpus) {
    return fc.constantFrom(...ROLES).chain((role) => {
      const known = corpus
        .filter((input) => input.role === role)
        .map(({ bytes }) => fromHex(bytes));
      return fc.record({
        role: fc.constant(role),
        takesOver: fc.boolean(),
        maxMessageBytes: fc.constantFrom(4096, 100),
        bytes: wireBytes(role === "server", known, compressedBytes).map(toHex),
        cuts,
      });
    });
  },

  check(input) {
    const bytes = fromHex(input.bytes);
    const expected = readMessages(bytes, input);
    for (const chunks of [[bytes], byteByByte(bytes), cutAt(bytes, input.cuts)]) {
      const events = run(chunks, input);
      const last = expected.at(-1);
      // A message that is too long and invalid may fail for either reason.
      if (last !== undefined && "failures" in last) {
        assert.deepEqual(events.slice(0, -1), expected.slice(0, -1));
        assert.ok(last.failures.some((failure) => isFailure(events.at(-1), failure)));
      } else {
        assert.deepEqual(events, expected);
      }
    }
  },
};

const codec = fastEnvironment.deflateCodec;

type Expected = ModelEvent | { readonly failures: readonly number[] };

function readMessages(bytes: Uint8Array, input: CompressedFramesInput): Expected[] {
  const { role, takesOver, maxMessageBytes } = input;
  // By RFC 7692 6.2 the frames mark compressed messages. Their content is inflated afterwards.
  const maxCompressedBytes = maxMessageBytes + Math.ceil(maxMessageBytes / 8) + 64;
  const rules = { role, maxMessageBytes, maxCompressedBytes };
  const compressed: Uint8Array[] = [];
  const events: Expected[] = [];
  for (const event of readFrames(bytes, rules)) {
    if (!("compressed" in event)) {
      events.push(event);
      continue;
    }
    const payload = fromHex(event.compressed);
    if (payload.length === 0) return [...events, { failure: 1007 }];
    compressed.push(payload);
    const message = inflateMessages(compressed, {
      takesOver,
      maxBytes: maxMessageBytes,
      // The two kinds of codec detect the end of a message and of a stream differently.
      ...(fastEnvironment !== plainEnvironment
        ? { mayBeCutOff: takesOver, forgetsAtLastBlock: true }
        : { mayBeCutOff: false, forgetsAtLastBlock: false }),
    }).at(-1);
    if (message === "invalid") return [...events, { failure: 1007 }];
    if (message === "too-big") return [...events, { failure: 1009 }];
    if (message === "either") return [...events, { failures: [1007, 1009] }];
    const restored = restore(message ?? new Uint8Array(0), event.isText);
    events.push(restored);
    if ("failure" in restored) return events;
  }
  return events;
}

function restore(message: Uint8Array, isText: boolean): ModelEvent {
  if (!isText) return { binary: toHex(message) };
  try {
    return { text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(message) };
  } catch {
    return { failure: 1007 };
  }
}

function isFailure(event: ModelEvent | undefined, code: number): boolean {
  return event !== undefined && "failure" in event && event.failure === code;
}

function run(chunks: readonly Uint8Array[], input: CompressedFramesInput): ModelEvent[] {
  const { role, takesOver, maxMessageBytes } = input;
  const events: ModelEvent[] = [];
  const context = { windowBits: 15, takesOver };
  const settings = { context: "shared", thresholdBytes: 0, windowBits: 15, level: 1 } as const;
  const agreement = { sending: context, receiving: context, settings };
  const endpoint = new Endpoint(
    { role, maxMessageBytes, deflate: { agreement, codec } },
    nodeProtocolEnvironment,
    new OutputBuffer(exactPool),
    {
      onText: (text) => events.push({ text }),
      onBinary: (bytes) => events.push({ binary: toHex(bytes) }),
      onPing: (payload) => events.push({ ping: toHex(payload) }),
      onPong: (payload) => events.push({ pong: toHex(payload) }),
      onFinish: ({ code, reason, error }) =>
        events.push(
          error === undefined ? { close: code, reason } : { failure: error.closeCode ?? 0 },
        ),
    },
  );
  for (const chunk of chunks) endpoint.receive(chunk.slice());
  if (endpoint.state !== "closed") {
    const finished = events.length;
    endpoint.receiveEnd();
    events.length = finished;
  }
  return events;
}
