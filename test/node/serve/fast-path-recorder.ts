import type * as client from "tideway";
import type * as server from "tideway/server";
import { afterEach, beforeEach, vi } from "vitest";

export type Tideway = typeof client & typeof server;

const CONNECTIONS = "../../../src/node/serve/fast-connections.ts";
const SERVER = "../../../src/node/serve/fast-server.ts";

type Ports = Record<string, unknown>;

/** Makes each test of a file record the fast paths that it uses. Returns their names. */
export function recordFastPaths(): ReadonlySet<string> {
  const used = new Set<string>();
  beforeEach(() => {
    used.clear();
    vi.resetModules();
    vi.doMock(CONNECTIONS, async (importOriginal) => {
      const { fastConnections } = await importOriginal<{ fastConnections: Ports }>();
      return { fastConnections: record(fastConnections, used) };
    });
    vi.doMock(SERVER, async (importOriginal) => {
      const { fastServer } = await importOriginal<{ fastServer: Ports }>();
      return { fastServer: record(fastServer, used) };
    });
  });
  afterEach(() => {
    vi.doUnmock(CONNECTIONS);
    vi.doUnmock(SERVER);
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  });
  return used;
}

/** Wraps each function of the ports to add its name to `used`. */
function record(ports: Ports, used: Set<string>): Ports {
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
