import type { CompressionOptions } from "../protocol/deflate/index.ts";
import type { PathOf, RouteParams } from "./patterns/route-params.ts";
import type { ConnectionLimits } from "./connection-limits.ts";
import type { OriginPolicy } from "./origin.ts";
import type { Socket } from "./socket.ts";
import type { MessageSchema, ReceivedOf, SentOf } from "./standard-schema.ts";
import type { TypedSocket } from "./typed-socket.ts";

/** What an HTTP handler gets besides the request. */
export interface HttpContext<Params> {
  /** Named params are percent-decoded; what a wildcard matched, `"0"`, is as it stands in the URL. */
  readonly params: Params;
  readonly url: URL;
  /** The client's address: behind a proxy, the proxy's unless `trustProxy` names it. */
  readonly remoteAddress: string;
  /** The certificate that the connection's peer showed, which may be a proxy; undefined for none. */
  readonly clientCertificate: ClientCertificate | undefined;
}

/** The certificate that a client sent in the TLS handshake (mutual TLS). */
export interface ClientCertificate {
  /**
   * Whether an authority of `tls.ca` issued the certificate and its dates are valid. Check this if
   * `tls.rejectUnauthorized` is false: anyone can make a certificate with any subject.
   */
  readonly isVerified: boolean;
  /** The reason why it is not verified, such as `"DEPTH_ZERO_SELF_SIGNED_CERT"`. */
  readonly verificationError: string | undefined;
  /** The subject, one attribute per line: `"O=Example\nCN=alice"`. */
  readonly subject: string;
  /** The subject alternative names, such as `"DNS:alice.example.com"`. */
  readonly subjectAltName: string | undefined;
  readonly issuer: string;
  readonly serialNumber: string;
  /** SHA-256 over the whole certificate, in hexadecimal with colons. */
  readonly fingerprint256: string;
  readonly validFrom: string;
  readonly validTo: string;
  /** The certificate in DER; `new X509Certificate(raw)` of `node:crypto` reads all of it. */
  readonly raw: Uint8Array;
}

/**
 * Chooses one of the subprotocols that a client offers, which come in the client's order. It returns
 * that one, or the empty string for none. `undefined` and `false` refuse the client with 400. Any other
 * result, or a thrown error, refuses it with 500 and is reported. The function cannot be async.
 *
 * Annotate the parameter so that TypeScript can infer the handler's `protocol`:
 * `(offered: readonly string[]) => offered.find((name) => name.startsWith("token."))`.
 */
export type ProtocolChoice<Protocol = string> = (
  offered: readonly string[],
  request: Request,
) => Protocol | undefined | false;

/**
 * Answers an HTTP request. What it throws is answered with 500 and reported to `onError`. Any
 * fetch-style framework mounts here: `"/api/*": app.fetch`.
 */
export type HttpHandler<Path extends string = string> = (
  request: Request,
  context: HttpContext<RouteParams<Path>>,
) => Response | Promise<Response>;

/** What a WebSocket handler gets besides the socket. */
export interface WebSocketContext<Params, Protocol, State> {
  /** Named params are percent-decoded; what a wildcard matched, `"0"`, is as it stands in the URL. */
  readonly params: Params;
  /** The subprotocol agreed upon; the empty string for none. */
  readonly protocol: Protocol;
  /** What the route's `authorize` returned. */
  readonly state: State;
  /** The request that opened the connection. */
  readonly request: Request;
  readonly url: URL;
  /**
   * The client's address. Behind a proxy it is the proxy's address, unless `trustProxy` names the
   * proxy. Empty for a Unix socket, and if it is first read after the connection has ended.
   */
  readonly remoteAddress: string;
  /**
   * The TLS client certificate of the connection's peer, which may be a proxy. Undefined if the peer
   * sent none, and if it is first read after the connection has ended.
   */
  readonly clientCertificate: ClientCertificate | undefined;
}

/**
 * Handles one socket, which stays open when the handler returns. If it throws or rejects, the socket
 * closes with 1011 and the error is reported to `onError`.
 *
 * Handlers, `authorize` and `origins` run in the asynchronous context in which `serve` or `attach` was
 * called: an `AsyncLocalStorage` has the same store for every client.
 */
export type WebSocketHandler<
  Path extends string = string,
  Protocol extends string = string,
  State = unknown,
  Schema extends MessageSchema | undefined = undefined,
> = SocketHandler<RouteParams<Path>, Protocol, State, Schema>;

// In terms of params, as the record below: the compiler would compare paths, and find that what
// is for any path does not fit behind the path of a key.
type SocketHandler<Params, Protocol, State, Schema> = (
  socket: SocketOf<Schema>,
  context: WebSocketContext<Params, Protocol, State>,
) => unknown;

/** What a handler is given: with a schema, a socket whose messages are what the schema says. */
type SocketOf<Schema> = [Schema] extends [undefined]
  ? // Asked first because without `strict` undefined is a MessageSchema too.
    Socket
  : Schema extends MessageSchema
    ? TypedSocket<ReceivedOf<Schema>, SentOf<Schema>>
    : Socket;

/** What `authorize` gets besides the request. */
export interface AuthorizeContext<Params> {
  readonly params: Params;
  readonly url: URL;
  /** The client's address: behind a proxy, the proxy's unless `trustProxy` names it. */
  readonly remoteAddress: string;
  /** The certificate that the connection's peer showed, which may be a proxy; undefined for none. */
  readonly clientCertificate: ClientCertificate | undefined;
  /**
   * The header fields of the response that accepts the handshake: the 101, or the 200 of HTTP/2. Use
   * `append` for several `Set-Cookie`. A `Response` that refuses is sent without them; pass them as its
   * `headers` to send them. Changes after `authorize` has decided have no effect.
   *
   * `set` and `append` throw UsageError `RESERVED_HEADER` for fields of the handshake
   * (`Connection`, `Upgrade`, `Sec-WebSocket-*`) and fields that frame the message, and
   * `INVALID_HEADER` for a value with control characters. More than 32,768 bytes in
   * all refuse the client with 500.
   */
  readonly responseHeaders: Headers;
}

/**
 * The result of `authorize`: an object that becomes the handler's `state`, or a refusal. A value of any
 * other type refuses the client too, so that a mistake never accepts one.
 */
export type Authorization<State> = (State & StateObject<State>) | Response | Error;

/** The part of `State` that accepts a client, by the rules of `authorize`. */
type StateObject<State> = unknown extends State
  ? object
  : State extends object
    ? State extends
        | readonly unknown[]
        | ((...parameters: never) => unknown)
        | { readonly status: number; readonly headers: unknown }
      ? never
      : State extends Error
        ? // An object with a name and a message is not yet an error.
          "stack" extends keyof State
          ? never
          : State
        : State
    : never;

/** A `ws:` route that needs more than a handler. */
export type WebSocketRoute<
  Path extends string = string,
  Protocol extends string = string,
  State = unknown,
  Schema extends MessageSchema | undefined = undefined,
> = WebSocketRecord<RouteParams<Path>, Protocol, State, Schema>;

/** A {@link WebSocketRoute}, by the params of its path. */
interface WebSocketRecord<Params, Protocol, State, Schema> extends ConnectionLimits {
  /**
   * The supported subprotocols, the preferred one first, or a function that chooses from the client's
   * offer. A client that offers none of the list is refused with 400. If the list contains the empty
   * string, such a client is accepted without a subprotocol. Default: no subprotocol.
   */
  readonly protocols?: readonly Protocol[] | ProtocolChoice<Protocol>;
  /** Whose pages may connect. Default: the server's own, and clients that are no browser. */
  readonly origins?: OriginPolicy;
  /**
   * Decides whether the client may connect. May be async, and must settle within `handshakeTimeoutMs`.
   *
   * - An object accepts it, and becomes the handler's `state`. Return `{}` if you need no state.
   * - A `Response` refuses it.
   * - An `Error`, returned or thrown, refuses it with 500 and is reported to `onError`.
   * - Anything else refuses it with 500 and is reported as UsageError `INVALID_AUTHORIZATION`, at
   *   most once a minute: `true`, `false`, `undefined`, `null`, strings, numbers, functions, arrays,
   *   and a Response of another library.
   *
   * Annotate the parameters so that TypeScript can infer `state`: `async (request: Request) => ...`.
   */
  readonly authorize?: (
    request: Request,
    context: AuthorizeContext<Params>,
  ) => Authorization<State> | Promise<Authorization<State>>;
  /**
   * Makes the messages JSON, and the handler's socket a {@link TypedSocket}: what is received is
   * validated, by a validator of any library that implements Standard Schema. With `{ receive, send }`
   * there is a type for what is sent too; it is not validated, being the server's own. Default: none,
   * and messages are text and bytes.
   */
  readonly schema?: Schema;
  /**
   * Compresses messages by permessage-deflate (RFC 7692) for clients that offer it. What one client
   * sends must not stand beside what it is not to know, in one message or, with `"dedicated"`, in
   * one connection: from the lengths of compressed messages, somebody who listens on the way can
   * guess what is in them. Compressing blocks the event loop meanwhile. Default: as for the whole
   * server, and there `false`.
   */
  readonly compression?: boolean | CompressionOptions;
  readonly handle: SocketHandler<Params, Protocol, State, Schema>;
}

/** What may stand behind some key of `routes`; where the key is known, less may. */
export type Route =
  | HttpHandler
  | WebSocketHandler
  | WebSocketRoute
  | WebSocketRoute<string, string, unknown, MessageSchema>;

/**
 * The routes of a server, in order: the first that matches answers.
 *
 * A key is a URL pattern (the pathname syntax of URLPattern), perhaps behind a method, or behind
 * `ws`: `"/"`, `"get:/rooms/:room"`, `"/files/*"`, `"ws:/rooms/:room"`. Behind `ws:` stands a
 * {@link WebSocketHandler} or a {@link WebSocketRoute}, elsewhere an {@link HttpHandler}.
 *
 * The type parameters are there to be inferred: the keys, and by key the elements of `protocols`,
 * what `authorize` returns, and the `schema`.
 */
export type Routes<
  Key extends string = string,
  Protocols = unknown,
  States = unknown,
  Schemas = unknown,
> = {
  readonly [K in Key]: RouteOf<K, ValueAt<Protocols, K>, ValueAt<States, K>, ValueAt<Schemas, K>>;
} & InferProtocols<Protocols> &
  InferStates<States> &
  InferSchemas<Schemas>;

type RouteOf<Key extends string, Protocol, State, Schema> = string extends Key
  ? Route
  : [PathOf<Key>] extends [never]
    ? InvalidKey
    : Key extends `${"ws" | "WS" | "Ws" | "wS"}:${string}`
      ?
          | SocketHandler<RouteParams<PathOf<Key>>, "", undefined, undefined>
          | WebSocketRecord<
              RouteParams<PathOf<Key>>,
              ProtocolOf<Protocol>,
              StateOf<State>,
              SchemaOf<Schema>
            >
      : HttpHandler<PathOf<Key>>;

/** No route has this type, so TypeScript shows the text as its error. */
type InvalidKey =
  'a key of routes must be a path that begins with /, such as "/x/:id", with an optional prefix such as "ws:" or "get:"';

type ValueAt<Values, Key> = Key extends keyof Values ? Values[Key] : unknown;

/** Without `protocols` none is spoken. */
type ProtocolOf<Protocol> = unknown extends Protocol
  ? ""
  : Exclude<Protocol, undefined | false> & string;

type StateOf<Returned> = unknown extends Returned
  ? unknown
  : StateOfObject<StateObject<Awaited<Returned>>>;

/**
 * `undefined` if `authorize` never accepts a client. `unknown` for a route that was defined elsewhere
 * and does not know the type of its state, which is then `object`.
 */
type StateOfObject<State> = [State] extends [never]
  ? undefined
  : (<T>() => T extends State ? 1 : 2) extends <T>() => T extends object ? 1 : 2
    ? unknown
    : State;

/** What is no schema gets an error that says what one is. */
type SchemaOf<Schema> = unknown extends Schema
  ? undefined
  : Schema extends MessageSchema | undefined
    ? Schema
    : MessageSchema;

// Types of one property each, from which the compiler infers by key. `object` lets a route be
// something else than a record, and is not looked into.
type InferProtocols<Protocols> = {
  readonly [K in keyof Protocols]:
    | { readonly protocols?: readonly Protocols[K][] | (() => Protocols[K]) }
    | object;
};

// Without parameters, so that it is not taken for what gives `authorize` its parameters' types.
type InferStates<States> = {
  readonly [K in keyof States]: { readonly authorize?: () => States[K] } | object;
};

type InferSchemas<Schemas> = {
  readonly [K in keyof Schemas]: { readonly schema?: Schemas[K] } | object;
};
