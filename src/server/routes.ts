import type { AcceptedState } from "./authorize-result.ts";
import type { HttpHandler } from "./http-route.ts";
import type { PathOf, RouteParams } from "./patterns/route-param-types.ts";
import type { MessageSchema } from "./standard-schema.ts";
import type {
  SocketHandler,
  SocketRoute,
  WebSocketHandler,
  WebSocketRoute,
} from "./web-socket-route.ts";

/** The value of any key of `routes`; see {@link RouteFor} for a known key. */
export type Route =
  | HttpHandler
  | WebSocketHandler
  | WebSocketRoute
  | WebSocketRoute<string, string, unknown, MessageSchema>;

/**
 * The routes of a server, in order: the first that matches a request answers it.
 *
 * A key is a URL pattern (the pathname syntax of URLPattern) with an optional prefix: a method, or
 * `ws`. Examples: `"/"`, `"get:/rooms/:room"`, `"/files/*"`, `"ws:/rooms/:room"`. The value of a `ws:`
 * key is a {@link WebSocketHandler} or a {@link WebSocketRoute}; that of any other key is an
 * {@link HttpHandler}.
 *
 * TypeScript infers the type parameters: the keys, and for each key the elements of `protocols`, the
 * result of `authorize`, and the `schema`.
 */
export type Routes<
  Key extends string = string,
  Protocols = unknown,
  States = unknown,
  Schemas = unknown,
> = {
  readonly [K in Key]: RouteFor<
    K,
    K extends keyof Protocols ? Protocols[K] : unknown,
    K extends keyof States ? States[K] : unknown,
    K extends keyof Schemas ? Schemas[K] : unknown
  >;
  // The types below have one property each, from which the compiler infers the type for each key.
  // `object` allows other routes than records, and the compiler infers nothing from it.
} & {
  readonly [K in keyof Protocols]:
    | { readonly protocols?: readonly Protocols[K][] | (() => Protocols[K]) }
    | object;
} & {
  // Without parameters, so that the compiler does not use it to type the parameters of `authorize`.
  readonly [K in keyof States]: { readonly authorize?: () => States[K] } | object;
} & {
  readonly [K in keyof Schemas]: { readonly schema?: Schemas[K] } | object;
};

/** The `routes` option of `serve` and `attach`. TypeScript infers the type parameters from it. */
export interface RoutesOption<Key extends string, Protocols, States, Schemas> {
  readonly routes: Routes<Key, Protocols, States, Schemas>;
}

/**
 * The type of the route with the key `Key`. The other parameters are the inferred types of the elements
 * of `protocols`, of the result of `authorize`, and of `schema`; `unknown` for a route without them.
 */
export type RouteFor<Key extends string, Protocol, State, Schema> = string extends Key
  ? Route
  : [PathOf<Key>] extends [never]
    ? // No route has this type, so TypeScript shows the text as its error.
      'a key of routes must be a path that begins with /, such as "/x/:id", with an optional prefix such as "ws:" or "get:"'
    : Key extends `${"ws" | "WS" | "Ws" | "wS"}:${string}`
      ?
          | SocketHandler<RouteParams<PathOf<Key>>, "", undefined, undefined>
          | SocketRoute<
              RouteParams<PathOf<Key>>,
              unknown extends Protocol ? "" : Exclude<Protocol, undefined | false> & string,
              unknown extends State
                ? unknown
                : // `undefined` if `authorize` never accepts a client.
                  [AcceptedState<Awaited<State>>] extends [never]
                  ? undefined
                  : // `object` is the state of a route that was defined without its type.
                    (<T>() => T extends AcceptedState<Awaited<State>> ? 1 : 2) extends <
                        T,
                      >() => T extends object ? 1 : 2
                    ? unknown
                    : AcceptedState<Awaited<State>>,
              unknown extends Schema
                ? undefined
                : Schema extends MessageSchema | undefined
                  ? Schema
                  : // The error for another value describes what a schema is.
                    MessageSchema
            >
      : HttpHandler<PathOf<Key>>;

/**
 * Defines one `ws:` route, to be spread into `routes`. Use it for a route in its own module, or to
 * leave out the type annotations of `authorize`'s parameters.
 *
 * ```ts
 * export const room = route("ws:/rooms/:room", {
 *   authorize: async (request, { params }) => ({ user: await userOf(request, params.room) }),
 *   handle: (socket, { params, state }) => socket.send(`${state.user} is in ${params.room}`),
 * });
 * await serve({ routes: { ...room } });
 * ```
 */
export function route<
  const Key extends `ws:/${string}`,
  const Protocol extends string = "",
  State = undefined,
  Schema extends MessageSchema | undefined = undefined,
>(
  key: Key,
  definition: WebSocketRoute<PathOf<Key>, Protocol, State, Schema>,
): { readonly [K in Key]: WebSocketRoute<PathOf<Key>, Protocol, State, Schema> } {
  return { [key]: definition } as {
    [K in Key]: WebSocketRoute<PathOf<Key>, Protocol, State, Schema>;
  };
}
