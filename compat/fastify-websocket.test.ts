import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { fastify as createFastify, FastifyInstance } from "fastify";
import type fastifyWebsocket from "@fastify/websocket";
import { describe, expect, it, onTestFinished } from "vitest";
import { closeOf, nextMessage, openClient } from "../test/support/clients.ts";
import { cuttable } from "./support/servers.ts";
import { describeWithOverride } from "./support/with-override.ts";

describeWithOverride("@fastify/websocket", (load) => {
  const fastify = load<typeof createFastify>("fastify");
  const websocket = load<typeof fastifyWebsocket>("@fastify/websocket");

  /** An application that sends each message to all clients of `/room/:name`. It refuses `/room/closed`. */
  async function createApp(): Promise<FastifyInstance> {
    const app = fastify();
    await app.register(websocket, { options: { maxPayload: 1024, perMessageDeflate: true } });
    app.register(async (rooms) => {
      rooms.addHook("preValidation", async (request, reply) => {
        const { name } = request.params as { name: string };
        if (name === "closed") await reply.code(403).send("closed");
      });
      rooms.get("/room/:name", { websocket: true }, (socket, request) => {
        const { name } = request.params as { name: string };
        socket.send(`welcome to ${name}`);
        socket.on("message", (data, isBinary) => {
          for (const client of app.websocketServer.clients) client.send(data, { binary: isBinary });
        });
      });
    });
    app.get("/page", async () => "page");
    return app;
  }

  async function listen(): Promise<{ app: FastifyInstance; port: number; url: string }> {
    const app = await createApp();
    onTestFinished(async () => await app.close());
    await app.listen({ port: 0, host: "127.0.0.1" });
    const { port } = app.server.address() as AddressInfo;
    return { app, port, url: `http://127.0.0.1:${port}` };
  }

  it("sends a message of one client to all clients, as text and as binary data", async () => {
    const { url } = await listen();
    const [anna, ben] = [
      await openClient(url, "/room/harbour", [], { perMessageDeflate: true }),
      await openClient(url, "/room/harbour"),
    ];
    expect(anna.extensions).toBe("permessage-deflate");
    expect(await nextMessage(anna)).toBe("welcome to harbour");
    expect(await nextMessage(ben)).toBe("welcome to harbour");
    anna.send("ahoy");
    anna.send(Buffer.of(1, 2, 3));
    for (const client of [anna, ben]) {
      expect(await nextMessage(client)).toBe("ahoy");
      expect(await nextMessage(client)).toEqual(Buffer.of(1, 2, 3));
    }
    expect(await (await fetch(`${url}/page`)).text()).toBe("page");
  });

  it("answers with the status of a hook, and with 404 for a route without WebSockets", async () => {
    const { url } = await listen();
    await expect(openClient(url, "/room/closed")).rejects.toThrow("403");
    await expect(openClient(url, "/other")).rejects.toThrow("404");
    expect((await fetch(`${url}/room/harbour`)).status).toBe(404);
  });

  it("forgets a client when its connection breaks, and serves it again", async () => {
    const { app, port } = await listen();
    const proxy = await cuttable(port);
    const url = `http://127.0.0.1:${proxy.port}`;
    const stays = await openClient(`http://127.0.0.1:${port}`, "/room/harbour");
    const breaks = await openClient(url, "/room/harbour");
    expect(app.websocketServer.clients.size).toBe(2);
    const [onServer] = Array.from(app.websocketServer.clients).slice(1);
    const closed = Promise.all([once(onServer, "close"), once(breaks, "close")]);
    proxy.cut();
    expect(await closed).toEqual([
      [1006, Buffer.alloc(0)],
      [1006, Buffer.alloc(0)],
    ]);
    expect(app.websocketServer.clients.size).toBe(1);
    const again = await openClient(url, "/room/harbour");
    expect(await nextMessage(again)).toBe("welcome to harbour");
    again.send("back");
    expect(await nextMessage(stays)).toBe("welcome to harbour");
    expect(await nextMessage(stays)).toBe("back");
  });

  it("closes a client that sends more than maxPayload with 1009", async () => {
    const { url } = await listen();
    const client = await openClient(url, "/room/harbour");
    client.send("x".repeat(1025));
    expect((await closeOf(client)).code).toBe(1009);
  });

  it("closes its clients when the application closes", async () => {
    const { app, url } = await listen();
    const closed = closeOf(await openClient(url, "/room/harbour"));
    await app.close();
    expect(await closed).toEqual({ code: 1005, reason: "" });
  });

  describe("injectWS", () => {
    it("connects a client to a route without a port", async () => {
      const app = await createApp();
      onTestFinished(async () => await app.close());
      await app.ready();
      const messages: string[] = [];
      const client = await app.injectWS(
        "/room/harbour",
        {},
        {
          onInit: (socket) =>
            socket.on("message", (data: Buffer) => messages.push(data.toString())),
        },
      );
      client.send("ahoy");
      await once(client, "message");
      expect(messages.at(-1)).toBe("ahoy");
      client.terminate();
      await expect(app.injectWS("/room/closed")).rejects.toThrow("403");
    });
  });
});
