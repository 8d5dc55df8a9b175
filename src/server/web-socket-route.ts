import type { CompressionOptions } from "../protocol/deflate/index.ts";
import type { Authorization } from "./authorize-result.ts";
import type { ConnectionLimits } from "./connection-limits.ts";
import type { OriginPolicy } from "./origin-policy.ts";
import type { RouteParams } from "./patterns/route-param-types.ts";
import type { ProtocolChoice } from "./protocol-choice.ts";
import type { Socket } from "./socket.ts";
import type { MessageSchema } from "./standard-schema.ts";
import type { TypedSocket } from "./typed-socket.ts";
import type { AuthorizeContext, WebSocketContext } from "./upgrade-contexts.ts";

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

/** A `ws:` route with more than a handler. */
export type WebSocketRoute<
  Path extends string = string,
  Protocol extends string = string,
  State = unknown,
  Schema extends MessageSchema | undefined = undefined,
> = SocketRoute<RouteParams<Path>, Protocol, State, Schema>;

// The next two types have params instead of a path. TypeScript compares two types of the same name by
// their type arguments, and a route for any path could not be used for a key with a known path.

/** A {@link WebSocketHandler}, by the params of its path. */
export type SocketHandler<Params, Protocol, State, Schema> = (
  socket: SocketOf<Schema>,
  context: WebSocketContext<Params, Protocol, State>,
) => unknown;

/** A {@link WebSocketRoute}, by the params of its path. */
export interface SocketRoute<Params, Protocol, State, Schema> extends ConnectionLimits {
  /**
   * The supported subprotocols, the preferred one first, or a function that chooses from the client's
   * offer. A client that offers none of the list is refused with 400. If the list contains the empty
   * string, such a client is accepted without a subprotocol. Default: no subprotocol.
   */
  readonly protocols?: readonly Protocol[] | ProtocolChoice<Protocol>;
  /** The origins whose pages may connect. Default: the origin of the server, see {@link OriginPolicy}. */
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
   * Makes the messages JSON and the handler's socket a {@link TypedSocket}. Received values are
   * validated by this schema, of any library that implements Standard Schema. Use `{ receive, send }`
   * to also give the sent values a type; they are not validated. Default: no schema, and messages are
   * text and bytes.
   */
  readonly schema?: Schema;
  /**
   * Compresses messages with permessage-deflate (RFC 7692) for clients that offer it. Do not put a
   * secret and data from an attacker into one message or, with `"dedicated"`, on one connection: the
   * lengths of compressed messages let an eavesdropper guess the secret. Compressing blocks the event
   * loop. Default: the option of the server, which is `false` by default.
   */
  readonly compression?: boolean | CompressionOptions;
  readonly handle: SocketHandler<Params, Protocol, State, Schema>;
}

/** The socket of a route's handler: a {@link TypedSocket} for a route with a schema. */
export type SocketOf<Schema> = [Schema] extends [undefined]
  ? // Compared first, because without `strict` undefined is a MessageSchema too.
    Socket
  : // The result is taken from `validate`, because a schema may leave `types` out.
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
