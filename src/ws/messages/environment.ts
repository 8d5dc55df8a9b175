import { Buffer } from "node:buffer";
import {
  type EndpointEnvironment,
  withSharedBuffers,
} from "../../protocol/endpoint-environment.ts";
import { nodeProtocolEnvironment } from "../../node/environment/protocol-environment.ts";
import { fastEnvironment } from "../../node/serve/tcp-environments.ts";
import type { TcpEnvironment } from "../../node/tcp/open-connection.ts";

/** Below this size, zero-filled memory costs less than uninitialized memory. */
const MIN_UNSAFE_BYTES = 2048;

type ViewOf = (buffer: ArrayBuffer, start: number, byteLength: number) => Buffer;

/** The protocol environment that delivers messages as Buffers. */
const bufferProtocolEnvironment: EndpointEnvironment = withSharedBuffers({
  ...nodeProtocolEnvironment,
  allocate: (byteLength) =>
    byteLength < MIN_UNSAFE_BYTES ? Buffer.alloc(byteLength) : Buffer.allocUnsafeSlow(byteLength),
  viewOf: bufferViews(),
});

/** The environment of all connections of this entry point. */
export const environment: TcpEnvironment = {
  ...fastEnvironment,
  protocol: bufferProtocolEnvironment,
};

/**
 * Returns a function that creates a Buffer over a part of an ArrayBuffer. The constructor that the class Buffer
 * names as its species takes two thirds of the time of `Buffer.from`, which decides between many arguments.
 */
function bufferViews(): ViewOf {
  const viewOf: ViewOf = (buffer, start, byteLength) => Buffer.from(buffer, start, byteLength);
  const Species = Reflect.get(Buffer, Symbol.species) as ViewConstructor | undefined;
  if (typeof Species !== "function" || Species.prototype !== Buffer.prototype) return viewOf;
  return (buffer, start, byteLength) => new Species(buffer, start, byteLength);
}

type ViewConstructor = new (...view: Parameters<ViewOf>) => Buffer;
