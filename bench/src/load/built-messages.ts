import { framePayload, maskedFrame, firstByteOf, serverFrame, serverFrameBytes } from "./frames.ts";
import { ByteCounter, FrameCounter, type MessageCounter } from "./counters.ts";
import type { MessageShape } from "./loads.ts";
import { randomPayload } from "./payloads.ts";

/** The minimum size of all messages. They must not fit into a sliding window of 32 KiB (RFC 7692). */
const LEAST_BYTES = 64 * 1024;

/**
 * Prepared messages, so that the load needs little processor time to send. Any sequence of at most as many
 * messages as there are is contiguous in memory.
 */
export class BuiltMessages {
  readonly #bytes: Buffer;
  readonly #starts: readonly number[];
  readonly #count: number;

  constructor(messages: readonly Buffer[]) {
    this.#count = messages.length;
    this.#bytes = Buffer.concat([...messages, ...messages]);
    let end = 0;
    this.#starts = [0, ...messages, ...messages].map((message) => {
      end += typeof message === "number" ? 0 : message.length;
      return end;
    });
  }

  /** The bytes of `count` messages, starting with the message at `index`. */
  slice(index: number, count: number): Buffer {
    const first = index % this.#count;
    return this.#bytes.subarray(this.#starts[first], this.#starts[first + count]);
  }
}

/**
 * Builds the messages of a client: frames, or bare bytes with the size of the server's frames. Up to
 * `inFlight` messages can be sent at once.
 */
export function buildForServer(
  shape: MessageShape,
  inFlight: number,
  isFramed: boolean,
  prefix = "",
): BuiltMessages {
  const { payloadBytes } = shape;
  const count = Math.max(inFlight, Math.ceil(LEAST_BYTES / payloadBytes));
  return build(count, () => {
    if (!isFramed) return randomPayload({ ...shape, payloadBytes: serverFrameBytes(payloadBytes) });
    const payload = Buffer.concat([Buffer.from(prefix), randomPayload(shape)]);
    return maskedFrame(firstByteOf(shape), framePayload(shape, payload));
  });
}

/** Builds the messages of a server. */
export function buildForClient(shape: MessageShape, count: number): BuiltMessages {
  return build(count, () => serverFrame(firstByteOf(shape), randomPayload(shape)));
}

/** Creates a counter for the messages that a server sends back. */
export function counterForServer(shape: MessageShape, isFramed: boolean): MessageCounter {
  if (!isFramed) return new ByteCounter(serverFrameBytes(shape.payloadBytes));
  return new FrameCounter({
    firstByte: firstByteOf(shape),
    payloadBytes: shape.deflate === undefined ? shape.payloadBytes : undefined,
    isMasked: false,
  });
}

function build(count: number, one: () => Buffer): BuiltMessages {
  return new BuiltMessages(Array.from({ length: count }, one));
}
