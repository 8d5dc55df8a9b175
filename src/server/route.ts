import type { PathOf } from "./patterns/route-params.ts";
import type { WebSocketRoute } from "./route-types.ts";
import type { MessageSchema } from "./standard-schema.ts";

/**
 * Makes one `ws:` route, to be spread into `routes`: for a route that stands in a module of its own,
 * or whose `authorize` is not to say the types of its parameters.
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
