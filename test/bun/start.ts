import { versions } from "node:process";
import { type BunServer, type BunServeOptions, serve } from "tideway/bun";
import type { RefusalReport, RoutesOption } from "tideway/server";
import { afterEach, describe, expect, type Mock, vi } from "vitest";

/** Starts a server until the end of the test, with the types of the routes inferred as by `serve`. */
type Start = <
  const Key extends string,
  const Protocols extends Record<string, unknown>,
  States extends Record<string, unknown>,
  Schemas extends Record<string, unknown>,
>(
  routes: RoutesOption<Key, Protocols, States, Schemas>["routes"],
  options?: BunServeOptions,
) => Promise<BunServer>;

interface BunServers {
  readonly start: Start;
  /** A test that expects errors MUST reset it. */
  readonly onError: Mock<(error: unknown, context: object) => void>;
  /** The calls of `onRefused`. */
  readonly reports: readonly RefusalReport[];
}

/** A `describe` for tests that run only in Bun. `serve.runtime.test.ts` runs their files there. */
export function describeInBun(name: string, body: (servers: BunServers) => void): void {
  describe.runIf("bun" in versions)(name, () => {
    const onError = vi.fn<(error: unknown, context: object) => void>();
    const reports: RefusalReport[] = [];
    const servers: BunServer[] = [];

    afterEach(async () => {
      await Promise.all(servers.splice(0).map((server) => server.stop({ timeoutMs: 1000 })));
      reports.length = 0;
      expect(onError.mock.calls).toEqual([]);
    });

    const start: Start = async (routes, options = {}) => {
      const onRefused = (report: RefusalReport): void => void reports.push(report);
      const all = { port: 0, host: "127.0.0.1", onError, onRefused, ...options, routes };
      const server = await serve(all as never);
      servers.push(server);
      return server;
    };
    body({ start, onError, reports });
  });
}
