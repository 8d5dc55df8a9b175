import type { ClientOptions } from "./options.ts";

/** The arguments of `new WebSocket` after the address. */
export interface ClientArguments {
  /** The subprotocols as the caller passed them, unchecked. */
  readonly offered: readonly unknown[];
  readonly settings: ClientOptions;
}

/** Reads the subprotocols and the options, each of which may be missing. */
export function readArguments(protocols: unknown, options?: object | null): ClientArguments {
  const settings = options ?? {};
  if (Array.isArray(protocols)) return { offered: protocols, settings };
  if (typeof protocols === "object" && protocols !== null) {
    return { offered: [], settings: protocols };
  }
  return { offered: protocols === undefined ? [] : [protocols], settings };
}
