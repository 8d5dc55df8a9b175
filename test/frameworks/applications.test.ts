import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener, serve as serveHono } from "@hono/node-server";
import type { INestApplication } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import Koa from "koa";
import { attach, serve, UsageError } from "tideway/server";
import { describe, expect, it, vi } from "vitest";
import { closeOf, nextMessage, openClient } from "../support/clients.ts";

const routes = { "ws:/chat": (socket: { send(text: string): unknown }) => void socket.send("hi") };

async function urlOf(http: Server): Promise<string> {
  if (!http.listening) await once(http, "listening");
  const { port, family } = http.address() as AddressInfo;
  return `http://${family === "IPv6" ? "[::1]" : "127.0.0.1"}:${port}`;
}

async function createNest(providers: object[] = []): Promise<INestApplication> {
  return await NestFactory.create(
    {
      module: class AppModule {
        readonly name = "app";
      },
      providers: providers as [],
    },
    { logger: false },
  );
}

describe("attach", () => {
  it.each([
    ["Express", () => express(), "an Express application; pass createServer(app)"],
    ["Koa", () => new Koa(), "a Koa application; pass createServer(app.callback())"],
    ["Fastify", () => fastify(), "such as a Fastify instance; pass its server: app.server"],
    ["Hono", () => new Hono(), "such as Hono's; pass what serve() of @hono/node-server returns"],
    ["NestJS", createNest, "a NestJS application; pass app.getHttpServer()"],
  ])("refuses an application of %s with advice on what to pass", async (_name, create, message) => {
    const app: unknown = await create();
    const attempt = (): unknown => attach(app as Server, { routes });
    expect(attempt).toThrow(UsageError);
    expect(attempt).toThrow(message);
  });
});

describe("a framework that is added to the server after attach", () => {
  it.each([
    ["Express", () => express().get("/page", (_request, response) => void response.send("page"))],
    ["Koa", () => new Koa().use((context) => void (context.body = "page")).callback()],
    ["Hono", () => getRequestListener(new Hono().get("/page", (c) => c.text("page")).fetch)],
  ])("answers the requests without a route: %s", async (_name, create) => {
    const http = createServer();
    attach(http, { routes: { ...routes, "/ours": () => new Response("ours") } });
    http.on("request", create() as RequestListener);
    const url = await urlOf(http.listen(0, "127.0.0.1"));
    const textOf = async (path: string): Promise<string> => await (await fetch(url + path)).text();
    expect([await textOf("/page"), await textOf("/ours")]).toEqual(["page", "ours"]);
    expect(await nextMessage(await openClient(url, "/chat"))).toBe("hi");
    await new Promise((resolve) => http.close(resolve));
  });
});

describe("Hono", () => {
  it("replaces the global Response, and routes may return either class", async () => {
    const native = Response.json("native");
    const http = serveHono({ fetch: new Hono().fetch, port: 0, hostname: "127.0.0.1" }) as Server;
    const onError = vi.fn<(error: unknown) => void>();
    attach(http, {
      onError,
      routes: {
        ...routes,
        "/native": () => native,
        "/json": () => Response.json("json"),
        "/new": async (request) => new Response(await request.text(), { status: 201 }),
        "ws:/refused": { authorize: () => new Response("no", { status: 401 }), handle: () => {} },
      },
    });
    const url = await urlOf(http);
    expect(await (await fetch(`${url}/native`)).json()).toBe("native");
    expect(await (await fetch(`${url}/json`)).json()).toBe("json");
    const created = await fetch(`${url}/new`, { method: "POST", body: "body" });
    expect([created.status, await created.text()]).toEqual([201, "body"]);
    expect(await nextMessage(await openClient(url, "/chat"))).toBe("hi");
    await expect(openClient(url, "/refused")).rejects.toThrow("401");
    expect(onError).not.toHaveBeenCalled();
    await new Promise((resolve) => http.close(resolve));
  });

  it("can be a route of serve", async () => {
    const app = new Hono().get("/page", (context) => context.text("page"));
    await using server = await serve({
      port: 0,
      host: "127.0.0.1",
      routes: { ...routes, "/*": (request) => app.fetch(request) },
    });
    expect(await (await fetch(`${server.url}/page`)).text()).toBe("page");
    expect(await nextMessage(await openClient(server.url, "/chat"))).toBe("hi");
  });
});

describe("Fastify", () => {
  it.each(["before", "after"])(
    "accepts WebSockets on both addresses of localhost, attached %s listen",
    async (when) => {
      const app = fastify();
      if (when === "before") attach(app.server, { routes });
      await app.listen({ port: 0 });
      if (when === "after") attach(app.server, { routes });
      for (const { address, port } of app.addresses() as AddressInfo[]) {
        const url = `http://${address.includes(":") ? `[${address}]` : address}:${port}`;
        expect(await nextMessage(await openClient(url, "/chat"))).toBe("hi");
        await expect(openClient(url, "/other")).rejects.toThrow("404");
      }
      await app.close();
    },
  );

  it.each([
    ["preClose", 1012],
    ["onClose", 1001],
  ] as const)(
    "drains WebSockets in a preClose hook, because onClose is too late: %s",
    async (hook, code) => {
      const app = fastify();
      const attachment = attach(app.server, { routes });
      app.addHook(hook as "preClose", async () => await attachment.stop({ drain: {} }));
      await app.listen({ port: 0, host: "127.0.0.1" });
      const closed = closeOf(await openClient(await urlOf(app.server), "/chat"));
      await app.close();
      expect((await closed).code).toBe(code);
    },
  );
});

describe("NestJS", () => {
  it.each([
    ["onModuleDestroy", 1012],
    ["beforeApplicationShutdown", 1012],
    ["onApplicationShutdown", 1001],
  ])("drains WebSockets in a hook that runs before the server closes: %s", async (hook, code) => {
    const stop = vi.fn<() => Promise<void>>();
    const app = await createNest([{ provide: "tideway", useValue: { [hook]: stop } }]);
    const http = app.getHttpServer() as Server;
    const attachment = attach(http, { routes });
    stop.mockImplementation(async () => await attachment.stop({ drain: {} }));
    await app.listen(0, "127.0.0.1");
    const closed = closeOf(await openClient(await urlOf(http), "/chat"));
    await app.close();
    expect((await closed).code).toBe(code);
    expect(stop).toHaveBeenCalledTimes(1);
  });
});
