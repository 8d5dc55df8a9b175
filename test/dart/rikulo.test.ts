import { describe, expect, it } from "vitest";
import { WebSocket } from "tideway";
import { serve } from "tideway/server";
import { MemoryNetwork } from "tideway/testing";
import { CERT, TLS } from "../support/certificate.ts";

describe("the ws: mapping of the Stream server", () => {
  it("maps a URI to a handler with the socket", async () => {
    const network = new MemoryNetwork();
    await using _server = network.serve({
      routes: {
        "ws:/foo": (socket) => {
          socket.listen((message) => socket.add(`re: ${message as string}`));
          return socket.done;
        },
      },
    });
    const socket = new network.WebSocket("ws://host/foo");
    await socket.onOpen.first;
    socket.send("hello");
    expect((await socket.onMessage.first).data).toBe("re: hello");
    socket.close();
    expect(await socket.onClose.first).toMatchObject({ wasClean: true });
  });

  it("serves wss: with the same prefix", async () => {
    await using server = await serve({
      port: 0,
      host: "127.0.0.1",
      tls: TLS,
      routes: { "ws:/foo": (socket) => void socket.send("safe") },
    });
    const socket = new WebSocket(`wss://localhost:${server.port}/foo`, {
      tls: { ca: CERT },
    });
    expect((await socket.onMessage.first).data).toBe("safe");
    socket.close();
    await socket.onClose.first;
  });

  it("accepts a regular expression in the URI, with a named group as a param", async () => {
    const network = new MemoryNetwork();
    await using _server = network.serve({
      routes: { "ws:/users/:id([0-9]+)": (socket, { params }) => void socket.send(params.id) },
    });
    const socket = new network.WebSocket("ws://host/users/42");
    expect((await socket.onMessage.first).data).toBe("42");
    socket.close();
    await socket.onClose.first;
    const refused = new network.WebSocket("ws://host/users/x");
    expect(await refused.onError.first).toMatchObject({ error: { status: 404 } });
  });

  it("tries the mappings in order, and the first that matches answers", async () => {
    const network = new MemoryNetwork();
    await using _server = network.serve({
      routes: {
        "ws:/a": (socket) => void socket.send("exact"),
        "ws:/*": (socket) => void socket.send("any"),
      },
    });
    for (const [path, expected] of [
      ["a", "exact"],
      ["b", "any"],
    ]) {
      const socket = new network.WebSocket(`ws://host/${path}`);
      expect((await socket.onMessage.first).data).toBe(expected);
      socket.close();
      await socket.onClose.first;
    }
  });

  it("gives the handler the request of the connection", async () => {
    const network = new MemoryNetwork();
    await using _server = network.serve({
      routes: {
        "ws:/foo": (socket, { request, url }) => {
          socket.send(`${url.searchParams.get("q")} ${request.headers.get("cookie")}`);
        },
      },
    });
    const socket = new network.WebSocket("ws://host/foo?q=1", { headers: { cookie: "a=b" } });
    expect((await socket.onMessage.first).data).toBe("1 a=b");
    socket.close();
    await socket.onClose.first;
  });

  it("allows a filter before it to refuse and to pass a value", async () => {
    const network = new MemoryNetwork();
    await using _server = network.serve({
      routes: {
        "ws:/foo": {
          authorize: (request: Request) =>
            request.headers.get("cookie") === null
              ? new Response("who are you?", { status: 401 })
              : { user: "me" },
          handle: (socket, { state }) => void socket.send(state.user),
        },
      },
    });
    const refused = new network.WebSocket("ws://host/foo");
    expect(await refused.onError.first).toMatchObject({ error: { status: 401 } });
    const socket = new network.WebSocket("ws://host/foo", { headers: { cookie: "a=b" } });
    expect((await socket.onMessage.first).data).toBe("me");
    socket.close();
    await socket.onClose.first;
  });

  it("answers a plain GET by the next route, or else with 426", async () => {
    await using server = await serve({
      port: 0,
      host: "127.0.0.1",
      routes: {
        "ws:/foo": (socket) => socket.close(),
        "get:/foo": () => new Response("a page"),
        "ws:/bar": (socket) => socket.close(),
      },
    });
    const origin = `http://127.0.0.1:${server.port}`;
    expect(await (await fetch(`${origin}/foo`)).text()).toBe("a page");
    expect((await fetch(`${origin}/bar`)).status).toBe(426);
  });

  it("isolates the failure of one handler from other sockets", async () => {
    const network = new MemoryNetwork();
    await using _server = network.serve({
      routes: {
        "ws:/foo": async (socket) => {
          for await (const message of socket) {
            if (message === "fail") throw new Error("broken");
            socket.send(message);
          }
        },
      },
      onError: () => {},
    });
    const [broken, fine] = [1, 2].map(() => new network.WebSocket("ws://host/foo"));
    await Promise.all([broken.onOpen.first, fine.onOpen.first]);
    broken.send("fail");
    expect(await broken.onClose.first).toMatchObject({ code: 1011 });
    fine.send("still here");
    expect((await fine.onMessage.first).data).toBe("still here");
    fine.close();
    await fine.onClose.first;
  });
});
