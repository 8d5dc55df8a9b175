import { once } from "node:events";
import { serve } from "tideway/server";
import { expect, it } from "vitest";
import { RawClient } from "../../support/clients.ts";

it.each([
  ["Upgrade, HTTP2-Settings", " HTTP2-Settings"],
  ["keep-alive,UPGRADE", "keep-alive"],
  ["upgrade", ""],
])("a handler gets Connection: %s without its option upgrade", async (sent, received) => {
  await using server = await serve({
    port: 0,
    routes: {
      "/": ({ headers }) =>
        Response.json({ connection: headers.get("connection"), upgrade: headers.get("upgrade") }),
    },
  });
  const whenUpgrade = once(server.httpServer, "upgrade");
  const client = new RawClient(server.port).send(
    `GET / HTTP/1.1\r\nHost: localhost\r\nConnection: ${sent}\r\nUpgrade: h2c\r\n\r\n`,
  );
  await whenUpgrade;
  const [, body] = (await client.receives("}")).split("\r\n\r\n");
  expect(JSON.parse(body)).toEqual({ connection: received.trim(), upgrade: null });
  client.socket.destroy();
});
