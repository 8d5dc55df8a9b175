import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { Agent, get, type IncomingMessage, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ViteDevServer } from "vite";
import { WebSocketServer } from "ws";
import { closeOf, nextMessage, openClient } from "../support/clients.ts";

/** Next to this file, so that imports of the frameworks resolve. */
const folder = join(import.meta.dirname, "test-artefacts");
const page = readFileSync(join(import.meta.dirname, "../../docs/guides/frameworks.md"), "utf8");
const recipes = new Map(
  Array.from(
    page.matchAll(/^## ([^\n]+)\n(?:(?!^## ).)*?^```ts\n(.*?)^```$/gms),
    ([, name, code]) => [name, code],
  ),
);

/** A recipe that runs on a free port. */
interface Running {
  readonly http: Server;
  readonly shutDown: () => unknown;
}

const QUIET: Changes = [["create(AppModule)", "create(AppModule, { logger: false })"]];

type Changes = ReadonlyArray<readonly [from: string, to: string]>;

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const config = {
    extends: "../../tsconfig.json",
    compilerOptions: { experimentalDecorators: true, tsBuildInfoFile: "./tsbuildinfo" },
    include: ["*.ts"],
    exclude: [],
    references: [],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  for (const [name, code] of recipes) writeFileSync(fileOf(name), code);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fileOf(name: string, suffix = ""): string {
  return join(folder, `${name.split(/\W/)[0].toLowerCase()}${suffix}.ts`);
}

/** Runs the recipe for `name`. `server` is the recipe's variable for its HTTP server. */
async function run(name: string, server: string, changes: Changes = []): Promise<Running> {
  let code = recipes.get(name)!;
  for (const [from, to] of [...changes, ["8080", "0"]]) {
    expect(code).toContain(from);
    code = code.replace(from, to);
  }
  code = code.replace(/^process\.once\("SIGTERM", (.*)\);$/m, "export const shutDown = $1;");
  const path = fileOf(name, ".run");
  writeFileSync(path, `${code}\nexport const httpServer = ${server};\n`);
  const { httpServer, shutDown } = (await import(path)) as {
    httpServer: Server;
    shutDown: () => unknown;
  };
  if (!httpServer.listening) await once(httpServer, "listening");
  return { http: httpServer, shutDown };
}

function urlOf(http: Server): string {
  const { address, port } = http.address() as AddressInfo;
  return `http://${address === "::1" ? "[::1]" : "127.0.0.1"}:${port}`;
}

it("every recipe compiles against the published package", () => {
  expect(Array.from(recipes.keys())).toEqual([
    "Express",
    "Koa",
    "Fastify",
    "Hono",
    "NestJS",
    "Vite's dev server as middleware",
  ]);
  const typescript = createRequire(import.meta.url).resolve("typescript/package.json");
  const compiler = join(dirname(typescript), "bin/tsc");
  const { stdout, status } = spawnSync(process.execPath, [compiler, "-p", folder]);
  expect({ status, output: String(stdout) }).toEqual({ status: 0, output: "" });
});

describe.each([
  ["Express", "http"],
  ["Koa", "http"],
  ["Fastify", "app.server"],
  ["Hono", "http"],
  ["NestJS", "app.getHttpServer()"],
])("the recipe for %s", (name, server) => {
  it("serves pages and WebSockets side by side, and shuts down", async () => {
    const { http, shutDown } = await run(name, server, name === "NestJS" ? QUIET : []);
    const url = urlOf(http);
    const response = await fetch(`${url}/page`);
    expect([response.status, await response.text()]).toEqual([200, `a page of ${name}`]);
    expect((await fetch(`${url}/missing`)).status).toBe(404);
    // The framework also answers requests for a page at the path of a WebSocket.
    expect((await fetch(`${url}/chat`)).status).toBe(404);
    const client = await openClient(url, "/chat");
    expect(await nextMessage(client)).toBe("welcome");

    // An upgrade without a route, without and with another listener.
    await expect(openClient(url, "/other")).rejects.toThrow("404");
    const other = new WebSocketServer({ noServer: true });
    http.on("upgrade", (request, socket, head) =>
      other.handleUpgrade(request, socket, head, (accepted) => accepted.send("of ws")),
    );
    const theirs = await openClient(url, "/other");
    expect(await nextMessage(theirs)).toBe("of ws");
    expect(await nextMessage(await openClient(url, "/chat"))).toBe("welcome");
    theirs.terminate();

    // An idle keep-alive connection does not delay the shutdown either.
    const agent = new Agent({ keepAlive: true });
    const [kept] = (await once(get(`${url}/page`, { agent }), "response")) as [IncomingMessage];
    await once(kept.resume(), "end");
    const closed = once(http, "close");
    const left = closeOf(client);
    await shutDown();
    expect(await left).toEqual({ code: 1001, reason: "" });
    await closed;
    agent.destroy();
  });
});

it("the recipe for Vite serves hot reload and WebSockets side by side, and shuts down", async () => {
  const name = "Vite's dev server as middleware";
  const { http, shutDown } = await run(name, "Object.assign(http, { vite })", [
    [
      "server: { middlewareMode",
      'root: import.meta.dirname, configFile: false, appType: "custom", logLevel: "silent", optimizeDeps: { noDiscovery: true }, server: { watch: null, middlewareMode',
    ],
  ]);
  const url = urlOf(http);
  const { webSocketToken } = (http as Server & { vite: ViteDevServer }).vite.config;
  const reload = await openClient(url, `/?token=${webSocketToken}`, ["vite-hmr"]);
  expect(await nextMessage(reload)).toContain('"connected"');
  expect(await nextMessage(await openClient(url, "/chat"))).toBe("welcome");
  expect(await (await fetch(`${url}/koa.ts`)).text()).toContain("new Koa()");
  reload.terminate();
  const closed = once(http, "close");
  await shutDown();
  await closed;
});
