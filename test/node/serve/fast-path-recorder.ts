import type * as client from "tideway";
import type * as server from "tideway/server";
import { vi } from "vitest";

export type Tideway = typeof client & typeof server;

/** Wraps each function of the ports to add its name to `used`. */
export function record(ports: Record<string, unknown>, used: Set<string>): Record<string, unknown> {
  const recorded = (name: string, value: unknown): unknown => {
    if (typeof value === "function") {
      return (...args: unknown[]): unknown => {
        used.add(name);
        return (value as (...args: unknown[]) => unknown)(...args);
      };
    }
    return Object.fromEntries(
      Object.entries(value as object).map(([key, method]) => [
        key,
        recorded(`${name}.${key}`, method),
      ]),
    );
  };
  return Object.fromEntries(
    Object.entries(ports).map(([name, port]) => [name, recorded(name, port)]),
  );
}

/** Loads the package with a value of the environment variable, or without it for undefined. */
export async function load(variable: string | undefined): Promise<Tideway> {
  vi.stubEnv("TIDEWAY_FAST_PATHS", variable);
  return { ...(await import("tideway")), ...(await import("tideway/server")) };
}

/** A page and a WebSocket that echoes its messages. */
export function routesOf(): Record<string, never> {
  const routes = {
    "/": () => new Response("page"),
    "ws:/": async (socket: AsyncIterable<string> & { send(text: string): boolean }) => {
      for await (const message of socket) socket.send(message);
    },
  };
  return routes as unknown as Record<string, never>;
}
