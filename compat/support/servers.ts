import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { CuttableProxy } from "../../test/support/cuttable-proxy.ts";

/** An HTTP server that listens on a free port until the end of the test. */
export async function listen(
  listener?: RequestListener,
): Promise<{ http: Server; port: number; url: string }> {
  const http = createServer(listener);
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  onTestFinished(async () => {
    http.closeAllConnections();
    if (http.listening) await new Promise((resolve) => http.close(resolve));
  });
  const { port } = http.address() as AddressInfo;
  return { http, port, url: `http://127.0.0.1:${port}` };
}

/** A proxy in front of a port. `cut` breaks its connections. It closes at the end of the test. */
export async function cuttable(port: number): Promise<CuttableProxy> {
  const proxy = await CuttableProxy.to(port);
  onTestFinished(async () => await proxy[Symbol.asyncDispose]());
  return proxy;
}
