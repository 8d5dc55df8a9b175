/**
 * `tideway/bun`: `serve` over `Bun.serve`. It takes the same routes as `serve` of `tideway/server`, and needs about
 * half the processor time. Import everything else from `tideway/server`.
 *
 * ```ts
 * import { serve } from "tideway/bun";
 *
 * const server = await serve({
 *   port: 8080,
 *   routes: {
 *     "/": () => new Response("hello"),
 *     "ws:/echo": (socket) => socket.listen((message) => socket.send(message)),
 *   },
 * });
 * ```
 */

export type { BunServeOptions, BunTlsOptions } from "./options.ts";
export type { BunServer } from "./bun-server.ts";
export { serve } from "./serve.ts";
