import { serve } from "tideway/server";
import { afterEach, expect, it } from "vitest";
import { WebSocket } from "ws";

it("serves HTTP and WebSocket routes on one port", async () => {
  const server = await serve({
    port: 0,
    routes: {
      "/": () => new Response("hello"),
      "/x/:id": (request, { params, url }) => Response.json({ id: params.id, q: url.search }),
      "ws:/echo/:room": async (socket, { params, request }) => {
        socket.send(request.url);
        for await (const message of socket) socket.send(`${params.room}: ${message}`);
      },
    },
  });
  expect(await (await fetch(server.url)).text()).toBe("hello");
  expect(await (await fetch(`${server.url}/x/a%20b?y`)).json()).toEqual({ id: "a b", q: "?y" });
  expect((await fetch(`${server.url}/y`)).status).toBe(404);
  expect((await fetch(`${server.url}/echo/x`)).status).toBe(426);
  const client = new WebSocket(`${server.url}/echo/a`);
  const got: string[] = [];
  await new Promise<void>((resolve) => {
    client.on("open", () => client.send("hi"));
    client.on("message", (data) => {
      got.push(String(data));
      if (got.length === 2) resolve();
    });
  });
  expect(got).toEqual([`${server.url}/echo/a`, "a: hi"]);
  await server.stop();
});
