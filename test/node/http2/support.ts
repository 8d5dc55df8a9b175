import { once } from "node:events";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from "node:http2";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { serve, type Server } from "tideway/server";
import { onTestFinished } from "vitest";
import type { Connector } from "../../../src/client/connector.ts";
import { TransportError } from "../../../src/errors/index.ts";
import { fastDispatch } from "../../../src/node/serve/tcp-environments.ts";
import { createWebSocketClass } from "../../../src/node/client/web-socket-class.ts";
import { ByteConnection } from "../../../src/connection/byte-connection.ts";
import { nodeEnvironment } from "../../../src/node/environment/connection-environment.ts";
import { UnexpectedStatusError } from "../../../src/protocol/handshake/unexpected-status-error.ts";
import { StreamTransport } from "../../../src/node/http2/stream-transport.ts";
import { CERT, TLS } from "../../support/certificate.ts";

/** Serves over TLS on a free port until the end of the test. */
export const startTls: typeof serve = async (options) => {
  const server = await serve({ host: "127.0.0.1", port: 0, tls: TLS, ...options });
  onTestFinished(async () => await server.stop({ timeoutMs: 5000 }));
  return server;
};

/** A connection of Node's HTTP/2 client that has received the settings of the server. */
export async function openSession(server: Server): Promise<ClientHttp2Session> {
  const socket = connectTls({
    port: server.port,
    servername: "localhost",
    ca: CERT,
    ALPNProtocols: ["h2"],
  });
  socket.on("error", () => {});
  const session = connect(`https://localhost:${server.port}`, { createConnection: () => socket });
  sockets.set(session, socket);
  session.on("error", () => {});
  // In another turn, so that nothing is destroyed within nghttp2.
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        setImmediate(() => {
          session.destroy();
          resolve();
        });
      }),
  );
  await once(session, "remoteSettings");
  return session;
}

const sockets = new WeakMap<ClientHttp2Session, TLSSocket>();

/** The connection below `session`. */
export function socketOf(session: ClientHttp2Session): TLSSocket {
  return sockets.get(session)!;
}

/** An opening handshake as in RFC 8441 5. Undefined fields are left out. */
export function extendedConnect(
  session: ClientHttp2Session,
  path: string | undefined,
  fields: OutgoingHttpHeaders = {},
): ClientHttp2Stream {
  const all: OutgoingHttpHeaders = {
    ":method": "CONNECT",
    ":protocol": "websocket",
    ":scheme": "https",
    ":path": path,
    "sec-websocket-version": "13",
    ...fields,
  };
  for (const name of Object.keys(all)) if (all[name] === undefined) delete all[name];
  const stream = session.request(all, { endStream: false });
  stream.on("error", () => {});
  return stream;
}

/** The response to a request, or the error code of a stream that was reset. */
export interface Answer {
  readonly status?: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly rstCode: number | undefined;
}

/** Waits for the whole response and the end of the stream. */
export async function answerOf(stream: ClientHttp2Stream): Promise<Answer> {
  let headers: IncomingHttpHeaders & { ":status"?: number | undefined } = {};
  let body = "";
  stream.on("response", (fields) => (headers = fields));
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => (body += text));
  // A stream that is reset has an error too; its code identifies it.
  if (!stream.destroyed) await new Promise((resolve) => stream.once("close", resolve));
  const status = headers[":status"];
  return { ...(status !== undefined && { status }), headers, body, rstCode: stream.rstCode };
}

/** The client of this package, with all WebSockets on one HTTP/2 connection. */
export function webSocketOver(
  session: ClientHttp2Session,
): ReturnType<typeof createWebSocketClass> {
  return createWebSocketClass(connector(session), fastDispatch);
}

function connector(session: ClientHttp2Session): Connector {
  return ({ url, protocols, options }, handler) => {
    const stream = extendedConnect(session, url.pathname + url.search, {
      "sec-websocket-protocol": protocols.length > 0 ? protocols.join(", ") : undefined,
      ...Object.fromEntries(Object.entries(options.headers ?? {})),
    });
    stream.on("response", (fields) => {
      if (fields[":status"] === 200) {
        const text = (name: string): string => String(fields[name] ?? "");
        handler.onOpen(
          new ByteConnection(nodeEnvironment, new StreamTransport(stream), {
            role: "client",
            protocol: text("sec-websocket-protocol"),
            extensions: text("sec-websocket-extensions"),
            ...(options.maxMessageBytes !== undefined && {
              maxMessageBytes: options.maxMessageBytes,
            }),
          }),
        );
        return;
      }
      // A stream ends only when its response is read.
      stream.resume().close(constants.NGHTTP2_CANCEL);
      handler.onFailed(new UnexpectedStatusError(fields[":status"] ?? 0, ""));
    });
    stream.on("error", (cause) =>
      handler.onFailed(new TransportError("CONNECT_FAILED", cause.message, { cause })),
    );
    return { abort: () => stream.close(constants.NGHTTP2_CANCEL) };
  };
}

/** A promise with the functions that settle it. */
export function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}

/** The number of connections of `server`, over any protocol. */
export function connectionsOf({ httpServer }: Server): Promise<number> {
  return new Promise((resolve) => {
    httpServer.getConnections((_error, count) => resolve(count));
  });
}
