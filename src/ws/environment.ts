import { Buffer } from "node:buffer";
import { type EndpointEnvironment, withSharedBuffers } from "../protocol/endpoint-environment.ts";
import { nodeProtocolEnvironment } from "../node/environment/protocol-environment.ts";
import { fastEnvironment } from "../node/serve/tcp-environments.ts";
import type { TcpEnvironment } from "../node/tcp/open-connection.ts";

/** Below this size, zero-filled memory costs less than uninitialized memory. */
const MIN_UNSAFE_BYTES = 2048;

/** The protocol environment that delivers messages as Buffers. */
const bufferProtocolEnvironment: EndpointEnvironment = withSharedBuffers({
  ...nodeProtocolEnvironment,
  allocate: (byteLength) =>
    byteLength < MIN_UNSAFE_BYTES ? Buffer.alloc(byteLength) : Buffer.allocUnsafeSlow(byteLength),
  viewOf: (buffer, start, byteLength) => Buffer.from(buffer, start, byteLength),
});

/** The environment of all connections of this entry point. */
export const environment: TcpEnvironment = {
  ...fastEnvironment,
  protocol: bufferProtocolEnvironment,
};
