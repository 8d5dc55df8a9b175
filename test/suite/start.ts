import type { ApplicationOptions } from "tideway/server";
import { onTestFinished } from "vitest";
import type { RoutesOption } from "../../src/node/serve/serve.ts";
import { type Routes, type Running, transport } from "./transports.ts";

/** Serves as `serve` does, over the transport of this run, until the test is over. */
export async function startServer<
  const Key extends string,
  const Protocols extends Record<string, unknown>,
  States extends Record<string, unknown>,
  Schemas extends Record<string, unknown>,
>({
  routes,
  ...options
}: ApplicationOptions & RoutesOption<Key, Protocols, States, Schemas>): Promise<Running> {
  const running = await transport.serve(routes as Routes, options);
  onTestFinished(async () => await running.stop());
  return running;
}
