/** A frame as it goes over the wire, and by how much compression has made it shorter. */
export interface PreparedFrame {
  readonly bytes: Uint8Array;
  readonly savedBytes: number;
}

/**
 * A message for many connections: it is encoded, compressed and framed by the first one that sends
 * it, and copied by those that would do the same.
 */
export class PreparedMessage {
  /** Text, or bytes that nobody changes any more. */
  readonly data: string | Uint8Array;
  /** Whether it may be compressed. */
  readonly mayCompress: boolean;
  /** By the names that `FrameWriter` gives to the kinds of frames that can be shared. */
  readonly frames: Map<string, PreparedFrame> = new Map();

  constructor(data: string | Uint8Array, mayCompress = true) {
    this.data = data;
    this.mayCompress = mayCompress;
  }
}
