import type { ApplicationOptions, ErrorListener } from "tideway/server";
import { beforeEach, type Mock, onTestFinished, vi } from "vitest";
import type { RoutesOption } from "../../src/server/routes/routes.ts";
import { openVenue, type Routes, type Running, transport, type Venue } from "./transports.ts";

/** With the types of the routes inferred as by `serve`. */
type Start<Result> = <
  const Key extends string,
  const Protocols extends Record<string, unknown>,
  States extends Record<string, unknown>,
  Schemas extends Record<string, unknown>,
>(
  options: ApplicationOptions & RoutesOption<Key, Protocols, States, Schemas>,
) => Promise<Result>;

/** Serves as `serve` does, over the transport of this run, until the end of the test. */
export const startServer: Start<Running> = async ({ routes, ...options }) =>
  untilTestIsOver(await transport.serve(routes as Routes, options));

/** Like {@link startServer}. Servers report errors to `onError`, which is reset before each test. */
export function reportingServers(): { onError: Mock<ErrorListener>; start: Start<Running> } {
  const onError = vi.fn<ErrorListener>();
  beforeEach(() => void onError.mockReset());
  return { onError, start: async (options) => await startServer({ onError, ...options }) };
}

/** Like {@link startServer}, for tests that work with any connections below the WebSockets. */
export const startVenue: Start<Venue> = async ({ routes, ...options }) =>
  untilTestIsOver(await openVenue(routes as Routes, options));

function untilTestIsOver<Started extends Venue>(started: Started): Started {
  onTestFinished(async () => await started.stop());
  return started;
}
