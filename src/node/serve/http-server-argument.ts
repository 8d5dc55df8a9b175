import { Server as HttpServer } from "node:http";
import { Server as HttpsServer } from "node:https";
import { UsageError } from "../../errors/index.ts";

const EXPECTED = "attach expects a server of node:http or node:https as its first argument";

/** @throws UsageError `INVALID_OPTION`, with advice on how to get the server */
export function checkHttpServer(value: unknown): void {
  // A server of node:http2 emits other types of requests and sockets.
  if (has(value, "updateSettings")) {
    throw invalid("a server of node:http2", "for HTTP/2, use serve({ tls })");
  }
  if (value instanceof HttpServer || value instanceof HttpsServer) return;
  throw invalid(...describe(value));
}

/** Describes `value`, and what to pass instead. */
function describe(value: unknown): [what: string, remedy: string] {
  if (hasMethod(value, "getHttpServer")) {
    return ["a NestJS application", "pass app.getHttpServer()"];
  }
  if (hasServer(value, "server")) {
    return ["an object with a server, such as a Fastify instance", "pass its server: app.server"];
  }
  if (hasServer(value, "httpServer")) {
    return ["an object with an httpServer", "pass its httpServer"];
  }
  if (hasMethod(value, "callback") && hasMethod(value, "listen")) {
    return ["a Koa application", "pass createServer(app.callback()) or what app.listen() returns"];
  }
  if (hasMethod(value, "fetch")) {
    return [
      "an application with a fetch method, such as Hono's",
      "pass what serve() of @hono/node-server returns",
    ];
  }
  if (typeof value === "function" && hasMethod(value, "listen")) {
    return ["an Express application", "pass createServer(app) or what app.listen() returns"];
  }
  if (typeof value === "function") {
    return ["a function", "if it is a request listener, pass createServer(listener)"];
  }
  if (hasMethod(value, "then")) {
    return ["a promise", "await it first"];
  }
  return [
    describePlain(value),
    "pass what createServer() of node:http or listen() of a framework returns",
  ];
}

function describePlain(value: unknown): string {
  if (typeof value === "object" && value !== null) {
    return Array.isArray(value) ? "an array" : "an object of another class";
  }
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

function invalid(what: string, remedy: string): UsageError {
  return new UsageError("INVALID_OPTION", `${EXPECTED}, not ${what}; ${remedy}`);
}

function has(value: unknown, name: string): value is object {
  return (
    (typeof value === "function" || (typeof value === "object" && value !== null)) && name in value
  );
}

function hasMethod(value: unknown, name: string): boolean {
  return has(value, name) && typeof Reflect.get(value, name) === "function";
}

function hasServer(value: unknown, name: string): boolean {
  return has(value, name) && Reflect.get(value, name) instanceof HttpServer;
}
