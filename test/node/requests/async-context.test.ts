import { AsyncLocalStorage } from "node:async_hooks";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { attach, serve, type Server } from "tideway/server";
import { describe, expect, it } from "vitest";
import { extendedConnect, openSession, startTls } from "../http2/support.ts";
import type { Routes } from "../../suite/transports.ts";
import { handshake, RawClient } from "../../support/clients.ts";

const storage = new AsyncLocalStorage<string>();

/** The stores seen by `origins`, `protocols`, `authorize` and the handler of each route. */
function watched(): { routes: Routes; observed: unknown[] } {
  const observed: unknown[] = [];
  const observe = (): void => void observed.push(storage.getStore());
  const origins = (): boolean => {
    observe();
    storage.enterWith("left behind by origins");
    return true;
  };
  const protocols = (): string => {
    observe();
    storage.enterWith("left behind by protocols");
    return "";
  };
  const routes = {
    "ws:/sync": {
      origins,
      protocols,
      authorize: () => {
        observe();
        storage.enterWith("left behind by authorize");
        return {};
      },
      handle: () => {
        observe();
        storage.enterWith("left behind by the handler");
      },
    },
    "ws:/async": {
      origins,
      protocols,
      authorize: async () => {
        observe();
        await new Promise(setImmediate);
        storage.enterWith("left behind by authorize");
        return {};
      },
      handle: observe,
    },
  };
  return { routes, observed };
}

async function connect(port: number): Promise<void> {
  for (const path of ["/sync", "/async"]) {
    const client = new RawClient(port).send(handshake(path, { Origin: "http://localhost" }));
    await client.receives("\r\n\r\n");
    client.socket.destroy();
  }
}

/** Ways to accept connections. Each one starts to listen in another context. */
const WAYS: ReadonlyArray<readonly [string, (routes: Routes) => Promise<void>]> = [
  [
    "the fast handshake",
    async (routes) => {
      await using server = await storage.run("start", () => serve({ port: 0, routes }));
      await storage.run("client", () => connect(server.port));
    },
  ],
  [
    "node:http",
    async (routes) => {
      await using server = await storage.run("start", () => serve({ port: 0, routes }));
      server.httpServer.on("connection", () => {});
      await storage.run("client", () => connect(server.port));
    },
  ],
  [
    "attach",
    async (routes) => {
      const http = createServer();
      const attachment = storage.run("start", () => attach(http, { routes }));
      storage.run("listen", () => http.listen(0));
      await once(http, "listening");
      await storage.run("client", () => connect((http.address() as AddressInfo).port));
      await attachment.stop();
      http.close();
    },
  ],
  [
    "HTTP/2",
    async (routes) => {
      const server: Server = await storage.run("start", () => startTls({ routes }));
      const session = await openSession(server);
      for (const path of ["/sync", "/async"]) {
        await once(extendedConnect(session, path, { origin: server.url }), "response");
      }
    },
  ],
];

describe("the AsyncLocalStorage store in callbacks of an application", () => {
  it.each(WAYS)("is the store of the call to serve or attach, with %s", async (_way, run) => {
    const { routes, observed } = watched();
    await run(routes);
    expect(observed).toEqual(Array.from({ length: 8 }, () => "start"));
  });
});
