import type { ClientOptions } from "./client-options.ts";

/** The arguments of `new WebSocket` after the address. */
export interface ClientArguments {
  /** The subprotocols as the caller passed them, unchecked. */
  readonly offered: readonly unknown[];
  readonly settings: ClientOptions;
}

/**
 * Reads the subprotocols and the options, each of which may be missing. The option `protocols` counts only if there
 * is no argument for the subprotocols.
 */
export function readArguments(protocols: unknown, options?: object | null): ClientArguments {
  if (Array.isArray(protocols)) return { offered: protocols, settings: options ?? {} };
  if (typeof protocols === "object" && protocols !== null) return readOptions(protocols);
  if (protocols === undefined) return readOptions(options ?? {});
  return { offered: [protocols], settings: options ?? {} };
}

function readOptions(settings: ClientOptions): ClientArguments {
  const { protocols = [] } = settings;
  return { offered: Array.isArray(protocols) ? protocols : [protocols], settings };
}
