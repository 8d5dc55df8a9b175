import { Masker } from "./masking.ts";
import { MaskingKeys } from "./masking-keys.ts";
import { MessagePool } from "./message-pool.ts";
import type { ProtocolEnvironment } from "./protocol-environment.ts";
import { AsciiRunDecoder } from "./ascii-run-decoder.ts";

/** The environment of endpoints: what the runtime supplies, and the buffers that they share. */
export interface EndpointEnvironment extends ProtocolEnvironment {
  readonly buffers: SharedBuffers;
}

/**
 * Adds the shared buffers. Endpoints that are given the same result share them. A copy of the result, in
 * which other functions may replace these, does not have them.
 */
export function withSharedBuffers(environment: ProtocolEnvironment): EndpointEnvironment {
  const value = new SharedBuffers(environment);
  return Object.defineProperty({ ...environment }, "buffers", { value }) as EndpointEnvironment;
}

/**
 * The buffers and caches that all endpoints of an environment share. One message is handled at a time, so
 * thousands of connections can share them.
 */
export class SharedBuffers {
  readonly masker: Masker = new Masker();
  readonly maskingKeys: MaskingKeys;
  readonly messagePool: MessagePool;
  readonly asciiRunDecoder: AsciiRunDecoder;

  constructor(environment: ProtocolEnvironment) {
    this.maskingKeys = new MaskingKeys(environment);
    this.messagePool = new MessagePool(environment);
    this.asciiRunDecoder = new AsciiRunDecoder(environment);
  }
}
