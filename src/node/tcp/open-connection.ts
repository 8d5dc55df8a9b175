import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type {
  ByteConnectionOptions,
  ConnectionEnvironment,
} from "../../connection/byte-connection-options.ts";
import type { FrameConnection } from "../../connection/connection.ts";
import { openByteConnection } from "../../connection/logged-connection.ts";
import { SocketTransport } from "./socket-transport.ts";
import type { TcpAccelerator } from "./tcp-accelerator.ts";

/** The environment of connections over Node.js sockets. */
export interface TcpEnvironment extends ConnectionEnvironment {
  readonly tcp: TcpAccelerator;
}

/** Runs the protocol over a socket after its opening handshake. */
export function openConnection(
  environment: TcpEnvironment,
  socket: Duplex,
  options: ByteConnectionOptions,
): FrameConnection {
  return openByteConnection(environment, openTransport(environment, socket), options);
}

/** Makes the transport of a WebSocket connection over a socket. */
export function openTransport({ tcp }: TcpEnvironment, socket: Duplex): SocketTransport {
  if (socket instanceof Socket) {
    // `ByteConnection` already joins the output of one turn into one write.
    socket.setNoDelay(true);
    // The heartbeat detects a dead peer; the idle timeout of the HTTP server must not apply.
    socket.setTimeout(0);
  }
  return new SocketTransport(socket, tcp);
}
