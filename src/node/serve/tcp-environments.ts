import { type DispatchMessage, dispatchPlainly } from "../client/dispatch-message.ts";
import { nodeEnvironment } from "../environment/connection-environment.ts";
import { createZlibCodec, type ZlibStreams } from "../environment/deflate/zlib-codec.ts";
import type { TcpEnvironment } from "../tcp/open-connection.ts";
import { plainTcp, type TcpAccelerator } from "../tcp/tcp-accelerator.ts";
import { fastConnections } from "./fast-connections.ts";
import { ALLOWS_FAST_PATHS } from "./fast-paths.ts";

/** The environment of connections that use documented Node.js APIs only. */
export const plainEnvironment: TcpEnvironment = createEnvironment(plainTcp);

const fast = ALLOWS_FAST_PATHS ? fastConnections : undefined;

/** The environment of connections with fast paths, if `TIDEWAY_FAST_PATHS` allows them. */
export const fastEnvironment: TcpEnvironment =
  fast === undefined ? plainEnvironment : createEnvironment(fast.tcp, fast.zlib);

/** Dispatches the messages of clients, with a fast path if `TIDEWAY_FAST_PATHS` allows it. */
export const fastDispatch: DispatchMessage = fast?.dispatchMessage ?? dispatchPlainly;

/**
 * Creates an environment. All environments have the same hidden class in V8, and share everything except the
 * codec and `tcp`.
 */
function createEnvironment(tcp: TcpAccelerator, zlib?: ZlibStreams): TcpEnvironment {
  return { ...nodeEnvironment, deflateCodec: createZlibCodec(zlib), tcp };
}
