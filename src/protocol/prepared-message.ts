/** The bytes of a frame, and the number of bytes that compression saved. */
export interface PreparedFrame {
  readonly bytes: Uint8Array;
  readonly savedBytes: number;
}

/** Returns the frames of a message by the kind of connection, which `FrameWriter` names. */
export let framesOf: (message: PreparedMessage) => Map<string, PreparedFrame>;

/**
 * A message for many connections. The first connection that sends it encodes, compresses and frames it;
 * connections with the same parameters use the result.
 */
export class PreparedMessage {
  /** Text, or bytes that do not change any more. */
  readonly data: string | Uint8Array;
  /** Whether it may be compressed. */
  readonly mayCompress: boolean;
  readonly #frames: Map<string, PreparedFrame> = new Map();

  static {
    framesOf = (message) => message.#frames;
  }

  constructor(data: string | Uint8Array, mayCompress = true) {
    this.data = data;
    this.mayCompress = mayCompress;
  }
}
