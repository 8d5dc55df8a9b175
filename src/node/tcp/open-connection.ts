import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ByteConnectionOptions } from "../../connection/byte-connection-options.ts";
import { ByteConnection } from "../../connection/byte-connection.ts";
import type { Connection } from "../../connection/connection.ts";
import { nodeEnvironment } from "../environment/connection-environment.ts";
import { SocketTransport } from "./socket-transport.ts";

/** Runs the protocol over a socket whose opening handshake is done. */
export function openConnection(socket: Duplex, options: ByteConnectionOptions): Connection {
  if (socket instanceof Socket) {
    // Frames leave when they are written: coalescing is done above, a turn at a time.
    socket.setNoDelay(true);
    // The heartbeat looks after the peer; an idle timeout of the HTTP server must not.
    socket.setTimeout(0);
  }
  return new ByteConnection(nodeEnvironment, new SocketTransport(socket), options);
}
