import type { CompressionOptions } from "../../protocol/deflate/index.ts";
import type { MessageSchema } from "../../schema/standard-schema.ts";
import type { OriginPolicy } from "../options/application-options.ts";
import type { ConnectionLimits } from "../options/connection-limits.ts";
import type { Socket } from "../socket/socket-interface.ts";
import type { TypedSocket } from "../socket/typed/typed-socket.ts";
import type { Authorization } from "./authorize-result.ts";
import type { RouteParams } from "./patterns/route-param-types.ts";
import type { ProtocolChoice } from "./protocol-choice.ts";
import type { AuthorizeContext, WebSocketContext } from "./upgrade-contexts.ts";

/**
 * Handles one socket of a `ws:` route. The socket stays open after the handler has returned. If the handler
 * throws or rejects, the socket closes with 1011 and `onError` gets the error.
 *
 * Handlers, `authorize`, `origins` and `protocols` run in the asynchronous context in which `serve` or
 * `attach` was called, so an `AsyncLocalStorage` has the same store for every client.
 */
export type WebSocketHandler<
  Path extends string = string,
  Protocol extends string = string,
  State = unknown,
  Schema extends MessageSchema | undefined = undefined,
> = SocketHandler<RouteParams<Path>, Protocol, State, Schema>;

/** A `ws:` route with options: subprotocols, origins, `authorize`, a schema, compression and limits. */
export type WebSocketRoute<
  Path extends string = string,
  Protocol extends string = string,
  State = unknown,
  Schema extends MessageSchema | undefined = undefined,
> = SocketRoute<RouteParams<Path>, Protocol, State, Schema>;

// The next two types take params instead of a path. TypeScript compares two types of the same name by
// their type arguments, so a route for any path would not be assignable to a key with a known path.

/** A {@link WebSocketHandler}, with the params of its path as a type parameter. */
export type SocketHandler<Params, Protocol, State, Schema> = (
  socket: SocketOf<Schema>,
  context: WebSocketContext<Params, Protocol, State>,
) => unknown;

/** A {@link WebSocketRoute}, with the params of its path as a type parameter. */
export interface SocketRoute<Params, Protocol, State, Schema> extends ConnectionLimits {
  /**
   * The subprotocols that the route supports, in order of preference, or a function that chooses a
   * subprotocol from the client's offer. A client that offers none of the listed subprotocols gets 400. If
   * the list contains an empty string, such a client is accepted without a subprotocol. Default: no
   * subprotocol.
   */
  readonly protocols?: readonly Protocol[] | ProtocolChoice<Protocol>;
  /**
   * The origins of the web pages that may connect; see {@link OriginPolicy}. Default: the server's `origins`,
   * which is `"same-origin"` by default.
   */
  readonly origins?: OriginPolicy;
  /**
   * Decides whether a client may connect, for example by a cookie or a token. May be async, and must settle
   * within `handshakeTimeoutMs`. Default: every client may connect.
   *
   * - An object accepts the client, and becomes the handler's `state`. Return `{}` if you need no state.
   * - A `Response` refuses the client, which gets this response.
   * - An `Error`, returned or thrown, refuses the client with 500 and is reported to `onError`.
   * - Any other value refuses the client with 500 and is reported as UsageError `INVALID_AUTHORIZATION`, at
   *   most once a minute. This includes `true`, `false`, `undefined`, `null`, strings, numbers, functions,
   *   arrays, and a Response of another library.
   *
   * Annotate the parameter types so that TypeScript can infer `state`: `async (request: Request) => ...`.
   */
  readonly authorize?: (
    request: Request,
    context: AuthorizeContext<Params>,
  ) => Authorization<State> | Promise<Authorization<State>>;
  /**
   * The schema of the messages, from any library that implements Standard Schema. With a schema, messages
   * are JSON, the handler's socket is a {@link TypedSocket}, and the server validates received values. Use
   * `{ receive, send }` to give sent values a type too; they are not validated. Default: no schema, so
   * messages are strings and bytes.
   */
  readonly schema?: Schema;
  /**
   * Whether to compress messages with permessage-deflate (RFC 7692), and how, for clients that offer it.
   * Compression runs synchronously and blocks the event loop. Default: the server's `compression`, which is
   * `false` by default.
   *
   * Do not send a secret and data from an attacker in the same compressed message. With
   * `context: "dedicated"`, do not send them on the same connection. The lengths of compressed messages let
   * an eavesdropper guess the secret.
   */
  readonly compression?: boolean | CompressionOptions;
  /** Called with the socket of each accepted client. */
  readonly handle: SocketHandler<Params, Protocol, State, Schema>;
}

/** The socket of a route's handler: a {@link TypedSocket} for a route with a schema. */
export type SocketOf<Schema> = [Schema] extends [undefined]
  ? // First, because without `strict` undefined is assignable to MessageSchema too.
    Socket
  : // From the result of `validate`, because a schema may leave out `types`.
    Schema extends {
        readonly "~standard": { readonly validate: (value: unknown) => infer Result };
      }
    ? TypedSocket<Extract<Awaited<Result>, { readonly value: unknown }>["value"]>
    : Schema extends {
          readonly receive: {
            readonly "~standard": { readonly validate: (value: unknown) => infer Result };
          };
          readonly send: infer Send;
        }
      ? TypedSocket<
          Extract<Awaited<Result>, { readonly value: unknown }>["value"],
          Send extends {
            readonly "~standard": { readonly types?: { readonly input: infer Input } | undefined };
          }
            ? Input
            : unknown
        >
      : Socket;
