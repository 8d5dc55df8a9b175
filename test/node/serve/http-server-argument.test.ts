import { createServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import { expect, it } from "vitest";
import { checkHttpServer } from "../../../src/node/serve/http-server-argument.ts";

it("servers of node:http and node:https are accepted", () => {
  expect(() => checkHttpServer(createServer())).not.toThrow();
  expect(() => checkHttpServer(createHttpsServer())).not.toThrow();
});

const express = Object.assign(() => {}, { listen() {} });

it.each<[unknown, string, string]>([
  [createHttp2Server(), "a server of node:http2", "for HTTP/2, use serve({ tls })"],
  [{ getHttpServer() {} }, "a NestJS application", "pass app.getHttpServer()"],
  [
    { server: createServer() },
    "an object with a server, such as a Fastify instance",
    "pass its server: app.server",
  ],
  [{ httpServer: createServer() }, "an object with an httpServer", "pass its httpServer"],
  [
    { callback() {}, listen() {} },
    "a Koa application",
    "pass createServer(app.callback()) or what app.listen() returns",
  ],
  [
    { fetch() {} },
    "an application with a fetch method, such as Hono's",
    "pass what serve() of @hono/node-server returns",
  ],
  [express, "an Express application", "pass createServer(app) or what app.listen() returns"],
  [() => {}, "a function", "if it is a request listener, pass createServer(listener)"],
  [Promise.resolve(), "a promise", "await it first"],
  ...plain([], "an array"),
  ...plain({ server: {} }, "an object of another class"),
  ...plain("localhost", '"localhost"'),
  ...plain(8080, "8080"),
  ...plain(undefined, "undefined"),
  ...plain(null, "null"),
])("%s is refused as %s, with the advice: %s", (value, what, remedy) => {
  expect(() => checkHttpServer(value)).toThrow(
    expect.objectContaining({
      code: "INVALID_OPTION",
      message: `attach expects a server of node:http or node:https as its first argument, not ${what}; ${remedy}`,
    }),
  );
});

function plain(value: unknown, what: string): [unknown, string, string][] {
  return [
    [value, what, "pass what createServer() of node:http or listen() of a framework returns"],
  ];
}
