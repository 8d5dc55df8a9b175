import { frameHeaderBytesFor, writeFrameHeader } from "../../protocol/frame-header.ts";
import { RSV1 } from "../../protocol/frame-rules.ts";
import { environment } from "./environment.ts";
import { maskingKeysOf } from "./masking-keys.ts";

const FIN = 0x80;

/** The options of `Sender.frame`. */
export interface FrameOptions {
  /** Whether this is the last frame of its message. */
  readonly fin: boolean;
  readonly opcode: number;
  /** Whether the payload is compressed. Default: false. */
  readonly rsv1?: boolean | undefined;
  /** Whether to mask the payload, as a client must. Default: false. */
  readonly mask?: boolean | undefined;
  /** Fills the buffer with the masking key. Default: a random key. */
  readonly generateMask?: ((mask: Buffer) => void) | undefined;
  /** Has no effect: the payload is never changed. */
  readonly readOnly?: boolean | undefined;
  /** Has no effect, because masking keys are generated without a buffer. */
  readonly maskBuffer?: Buffer | undefined;
}

/** Encodes a frame (RFC 6455 5.2). Returns its header and its payload. */
export function encodeFrame(data: string | Buffer, options: FrameOptions): [Buffer, Buffer] {
  const payload = typeof data === "string" ? Buffer.from(data) : data;
  const isMasked = options.mask === true;
  const header = Buffer.alloc(frameHeaderBytesFor(payload.length, isMasked));
  const { fin, opcode, rsv1 = false } = options;
  const firstByte = (fin ? FIN : 0) | (rsv1 ? RSV1 : 0) | opcode;
  const end = writeFrameHeader(header, 0, firstByte, payload.length, isMasked);
  if (!isMasked) return [header, payload];
  const { buffers } = environment.protocol;
  const keys = options.generateMask ? maskingKeysOf(options.generateMask) : buffers.maskingKeys;
  const key = keys.next();
  header.writeInt32BE(key, end);
  const masked = Buffer.from(payload);
  buffers.masker.mask(masked, 0, masked.length, key, 0);
  return [header, masked];
}
