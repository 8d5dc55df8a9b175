import { Masker } from "./masking.ts";
import { MaskingKeys } from "./masking-keys.ts";
import { MessagePool } from "./message-pool.ts";
import type { ProtocolEnvironment } from "./protocol-environment.ts";
import { AsciiRunDecoder } from "./ascii-run-decoder.ts";

/**
 * The environment of endpoints: the functions that the runtime provides, and the buffers that all endpoints
 * share.
 */
export interface EndpointEnvironment extends ProtocolEnvironment {
  readonly buffers: SharedBuffers;
}

/**
 * Adds the shared buffers to an environment. Endpoints with the same environment object share its buffers. A
 * copy of the object does not have the buffers, because its functions may have been replaced.
 */
export function withSharedBuffers(environment: ProtocolEnvironment): EndpointEnvironment {
  const value = new SharedBuffers(environment);
  return Object.defineProperty({ ...environment }, "buffers", { value }) as EndpointEnvironment;
}

/**
 * The buffers and caches that all endpoints of an environment share. Thousands of connections can share them,
 * because one message is handled at a time.
 */
export class SharedBuffers {
  readonly masker: Masker;
  readonly maskingKeys: MaskingKeys;
  readonly messagePool: MessagePool;
  readonly asciiRunDecoder: AsciiRunDecoder;

  constructor(environment: ProtocolEnvironment) {
    this.masker = new Masker(environment.hasFastBigInts === true);
    this.maskingKeys = new MaskingKeys(environment);
    this.messagePool = new MessagePool(environment);
    this.asciiRunDecoder = new AsciiRunDecoder(environment);
  }
}
