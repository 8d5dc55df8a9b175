import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { serve, upgradeWebSocket, type WebSocketServerLike } from "@hono/node-server";
import { Hono } from "hono";
import type { WSContext } from "hono/ws";
import { describe, expect, it, onTestFinished } from "vitest";
import { closeOf, nextMessage, openClient } from "../test/support/clients.ts";
import { implementation } from "./support/implementation.ts";
import { cuttable } from "./support/servers.ts";

/** A route that sends each message to all of its WebSockets. `closed` collects the close codes. */
async function listen(): Promise<{
  sockets: Set<WSContext>;
  closed: number[];
  errors: unknown[];
  port: number;
  url: string;
}> {
  const sockets = new Set<WSContext>();
  const closed: number[] = [];
  const errors: unknown[] = [];
  const app = new Hono()
    .get("/page", (context) => context.text("page"))
    .use("/room", async (context, next) => {
      if (context.req.query("token") === "wrong") return context.text("no", 403);
      await next();
      context.header("X-Room", "harbour");
      return undefined;
    })
    .get(
      "/room",
      upgradeWebSocket(
        () => ({
          onOpen: (_event, socket) => {
            sockets.add(socket);
            socket.send("welcome");
          },
          onMessage: ({ data }) => {
            for (const socket of sockets) socket.send(data as string);
          },
          onClose: ({ code }, socket) => {
            sockets.delete(socket);
            closed.push(code);
          },
          onError: (event) => errors.push(event),
        }),
        { onError: (error) => errors.push(error) },
      ),
    );
  const server = new implementation.WebSocketServer({ noServer: true });
  // With exactOptionalPropertyTypes, WebSocketServerLike does not accept the types of ws.
  const untyped: unknown = server;
  const http = serve({
    fetch: app.fetch,
    port: 0,
    hostname: "127.0.0.1",
    websocket: { server: untyped as WebSocketServerLike },
  }) as Server;
  await once(http, "listening");
  onTestFinished(async () => {
    for (const client of server.clients) client.terminate();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });
  const { port } = http.address() as AddressInfo;
  return { sockets, closed, errors, port, url: `http://127.0.0.1:${port}` };
}

describe("upgradeWebSocket of @hono/node-server", () => {
  it("delivers text and binary data to all sockets of a route", async () => {
    const { url, errors } = await listen();
    const [anna, ben] = [await openClient(url, "/room"), await openClient(url, "/room")];
    expect([await nextMessage(anna), await nextMessage(ben)]).toEqual(["welcome", "welcome"]);
    anna.send("ahoy");
    anna.send(Buffer.of(1, 2, 3));
    for (const client of [anna, ben]) {
      expect(await nextMessage(client)).toBe("ahoy");
      expect(await nextMessage(client)).toEqual(Buffer.of(1, 2, 3));
    }
    expect(await (await fetch(`${url}/page`)).text()).toBe("page");
    expect(errors).toEqual([]);
  });

  it("adds the headers of middleware to the handshake, and refuses with its status", async () => {
    const { url } = await listen();
    const client = new implementation.WebSocket(`${url.replace("http", "ws")}/room`);
    onTestFinished(() => client.terminate());
    const [response] = (await once(client, "upgrade")) as [{ headers: Record<string, string> }];
    expect(response.headers["x-room"]).toBe("harbour");
    await expect(openClient(url, "/room?token=wrong")).rejects.toThrow("403");
    await expect(openClient(url, "/other")).rejects.toThrow("404");
  });

  it("calls onClose for a broken connection, and serves the client again", async () => {
    const { sockets, closed, port, url } = await listen();
    const proxy = await cuttable(port);
    const stays = await openClient(url, "/room");
    const breaks = await openClient(`http://127.0.0.1:${proxy.port}`, "/room");
    expect(await nextMessage(breaks)).toBe("welcome");
    const broken = closeOf(breaks);
    proxy.cut();
    expect((await broken).code).toBe(1006);
    const again = await openClient(`http://127.0.0.1:${proxy.port}`, "/room");
    expect(await nextMessage(again)).toBe("welcome");
    again.send("back");
    expect(await nextMessage(stays)).toBe("welcome");
    expect(await nextMessage(stays)).toBe("back");
    expect(closed).toEqual([1006]);
    expect(sockets.size).toBe(2);
  });

  it("closes with a code and a reason from either side", async () => {
    const { sockets, closed, url } = await listen();
    const client = await openClient(url, "/room");
    expect(await nextMessage(client)).toBe("welcome");
    for (const socket of sockets) socket.close(4000, "over");
    expect(await closeOf(client)).toEqual({ code: 4000, reason: "over" });
    const other = await openClient(url, "/room");
    expect(await nextMessage(other)).toBe("welcome");
    other.close(4001);
    await closeOf(other);
    expect(closed).toEqual([4000, 4001]);
  });
});
