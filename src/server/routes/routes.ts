import type { MessageSchema } from "../../schema/standard-schema.ts";
import type { AcceptedState } from "./authorize-result.ts";
import type { HttpHandler } from "./http-route.ts";
import type { PathOf, RouteParams } from "./patterns/route-param-types.ts";
import type {
  SocketHandler,
  SocketRoute,
  WebSocketHandler,
  WebSocketRoute,
} from "./web-socket-route.ts";

/** A route with any key: the type of the values in `routes`. See {@link RouteFor} for a known key. */
export type Route =
  | HttpHandler
  | WebSocketHandler
  | WebSocketRoute
  | WebSocketRoute<string, string, unknown, MessageSchema>;

/**
 * The routes of a server: an object that maps URL patterns to handlers. The first route that matches a
 * request answers it.
 *
 * A key is a path in the pathname syntax of URLPattern, with an optional prefix: `ws` for WebSockets, or
 * an HTTP method. Examples: `"/"`, `"get:/rooms/:room"`, `"/files/*"`, `"ws:/rooms/:room"`. A `ws:` key
 * has a {@link WebSocketHandler} or a {@link WebSocketRoute} as its value; any other key has an
 * {@link HttpHandler}. A key without a prefix answers all methods, and a `get:` key answers HEAD too.
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
  // TypeScript infers the type for each key from the single property of each type below. `object` allows
  // routes that are functions, and does not take part in the inference.
} & {
  readonly [K in keyof Protocols]:
    | { readonly protocols?: readonly Protocols[K][] | (() => Protocols[K]) }
    | object;
} & {
  // Without parameters, so that TypeScript does not type the parameters of `authorize` by it.
  readonly [K in keyof States]: { readonly authorize?: () => States[K] } | object;
} & {
  readonly [K in keyof Schemas]: { readonly schema?: Schemas[K] } | object;
};

/** The `routes` option of `serve` and `attach`. TypeScript infers the type parameters from its value. */
export interface RoutesOption<Key extends string, Protocols, States, Schemas> {
  /** The routes of the server, in the order in which they are tried. */
  readonly routes: Routes<Key, Protocols, States, Schemas>;
}

/**
 * The type of the route with the key `Key`. The other type parameters are the inferred types of the
 * elements of `protocols`, of the result of `authorize`, and of `schema`. They are `unknown` for a route
 * without these options.
 */
export type RouteFor<Key extends string, Protocol, State, Schema> = string extends Key
  ? Route
  : [PathOf<Key>] extends [never]
    ? // No route is assignable to this string, so TypeScript shows it in the error.
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
                  : // `object` is the state of a route with the general type `Route`.
                    (<T>() => T extends AcceptedState<Awaited<State>> ? 1 : 2) extends <
                        T,
                      >() => T extends object ? 1 : 2
                    ? unknown
                    : AcceptedState<Awaited<State>>,
              unknown extends Schema
                ? undefined
                : Schema extends MessageSchema | undefined
                  ? Schema
                  : // For any other value, the error of TypeScript describes the properties of a schema.
                    MessageSchema
            >
      : HttpHandler<PathOf<Key>>;

/**
 * Defines one `ws:` route outside of `serve`, with inferred types. Spread the result into `routes`. Use it
 * for a route in a separate module, or to leave out the type annotations on the parameters of `authorize`.
 * `route` does not check the options; `serve` and `attach` do.
 *
 * @param key a path that begins with `ws:/`
 * @example
 * ```ts
 * export const room = route("ws:/rooms/:room", {
 *   authorize: async (request, { params }) => ({ user: await userOf(request, params.room) }),
 *   handle: (socket, { params, state }) => socket.send(`${state.user} is in ${params.room}`),
 * });
 *
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
