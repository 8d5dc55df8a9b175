import type { DispatchMessage } from "../client/dispatch-message.ts";
import type { ZlibStreams } from "../environment/deflate/zlib-codec.ts";
import { dispatchLightly } from "../internals/client/dispatch-message.ts";
import { fastZlib } from "../internals/deflate/persistent.ts";
import { fastTcp } from "../internals/tcp/fast-tcp.ts";
import type { TcpAccelerator } from "../tcp/tcp-accelerator.ts";

interface FastConnections {
  readonly tcp: TcpAccelerator;
  readonly zlib: ZlibStreams;
  readonly dispatchMessage: DispatchMessage;
}

/** The fast paths of clients, and of the connections of servers. */
export const fastConnections: FastConnections | undefined = {
  tcp: fastTcp,
  zlib: fastZlib,
  dispatchMessage: dispatchLightly,
};
