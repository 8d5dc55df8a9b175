import type { AddressInfo, Server } from "node:net";
import { onTestFinished } from "vitest";

/** Makes `server` listen on a free port until the end of the test. Returns the port. */
export async function listenOnLoopback(server: Server, host = "127.0.0.1"): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, host, resolve);
  });
  onTestFinished(() => {
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
