import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type createExpress from "express";
import type expressWs from "express-ws";
import { expect, it, onTestFinished, vi } from "vitest";
import { closeOf, nextMessage, openClient } from "../test/support/clients.ts";
import { cuttable } from "./support/servers.ts";
import { describeWithOverride } from "./support/with-override.ts";

describeWithOverride("express-ws", (load) => {
  const express = load<typeof createExpress>("express");
  const addWebSockets = load<typeof expressWs>("express-ws");

  /** An application with `/echo/:name`, with `/private` behind a middleware, and with a page. */
  async function listen(): Promise<{ instance: expressWs.Instance; port: number; url: string }> {
    const instance = addWebSockets(express() as never, undefined, {
      wsOptions: { maxPayload: 1024 },
    });
    const { app } = instance;
    app.ws("/echo/:name", (socket, request) => {
      const name = request.params["name"] as string;
      socket.on("message", (data: Buffer) => socket.send(`${name}: ${data.toString()}`));
    });
    app.use("/private", (request, response, next) => {
      if (request.headers["authorization"] === "secret") next();
      else response.status(401).end();
    });
    app.ws("/private", (socket) => socket.send("welcome"));
    app.get("/page", (_request, response) => void response.send("page"));
    const http = app.listen(0, "127.0.0.1");
    await once(http, "listening");
    onTestFinished(async () => {
      http.closeAllConnections();
      for (const client of instance.getWss().clients) client.terminate();
      await new Promise((resolve) => http.close(resolve));
    });
    const { port } = http.address() as AddressInfo;
    return { instance, port, url: `http://127.0.0.1:${port}` };
  }

  it("serves WebSockets with route params, and serves pages", async () => {
    const { url } = await listen();
    const client = await openClient(url, "/echo/anna?token=1");
    client.send("ahoy");
    client.send("again");
    expect(await nextMessage(client)).toBe("anna: ahoy");
    expect(await nextMessage(client)).toBe("anna: again");
    expect(await (await fetch(`${url}/page`)).text()).toBe("page");
  });

  it("runs middleware first, and closes WebSockets that it refuses", async () => {
    const { url } = await listen();
    const admitted = await openClient(url, "/private", [], {
      headers: { authorization: "secret" },
    });
    expect(await nextMessage(admitted)).toBe("welcome");
    expect((await closeOf(await openClient(url, "/private"))).code).toBe(1005);
    expect((await closeOf(await openClient(url, "/other"))).code).toBe(1005);
  });

  it("broadcasts to the clients of getWss until their connections break", async () => {
    const { instance, port } = await listen();
    const proxy = await cuttable(port);
    const [direct, cut] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${proxy.port}`];
    const stays = await openClient(direct, "/echo/anna");
    const breaks = await openClient(cut, "/echo/ben");
    const { clients } = instance.getWss();
    expect(clients.size).toBe(2);
    const closed = once(breaks, "close");
    proxy.cut();
    expect((await closed)[0]).toBe(1006);
    await vi.waitFor(() => expect(clients.size).toBe(1));
    const again = await openClient(cut, "/echo/ben");
    for (const client of clients) client.send("to all");
    expect(await nextMessage(stays)).toBe("to all");
    expect(await nextMessage(again)).toBe("to all");
  });

  it("passes wsOptions on: a message above maxPayload closes with 1009", async () => {
    const { instance, url } = await listen();
    const client = await openClient(url, "/echo/anna");
    // Without a listener, the error would be uncaught.
    const [onServer] = instance.getWss().clients;
    onServer.on("error", () => {});
    client.send("x".repeat(1025));
    expect((await closeOf(client)).code).toBe(1009);
  });
});
