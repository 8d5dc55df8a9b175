// Import the default exports, because tools that instrument Node.js replace their members.
import net from "node:net";
import type { ClientRequestArgs } from "node:http";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import { serverNameOf } from "../../node/client/dial.ts";

/** Opens the byte stream of a request, as the option `createConnection` of `http.request`. */
export type CreateConnection = NonNullable<ClientRequestArgs["createConnection"]>;

/** Connects over TCP or to a Unix socket. */
export const connectTcp: CreateConnection = (options): Duplex =>
  net.connect(socketOptions(options) as net.NetConnectOpts);

/** Connects over TLS. */
export const connectTls: CreateConnection = (options): Duplex => {
  const connectOptions = socketOptions(options) as tls.ConnectionOptions;
  const { servername, host = "" } = connectOptions;
  return tls.connect({
    ...connectOptions,
    // An empty name sends none.
    servername: servername ?? serverNameOf(host) ?? "",
  });
};

/** In options of `http.request`, `path` is the path of the request. For sockets, it is the path of a Unix socket. */
function socketOptions(options: ClientRequestArgs): object {
  return { ...options, path: options.socketPath };
}
