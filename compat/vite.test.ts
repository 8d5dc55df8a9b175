import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createVite, type ViteDevServer } from "vite";
import { describe, expect, it, onTestFinished } from "vitest";
import type { WebSocket } from "ws";
import { closeOf, nextMessage, openClient } from "../test/support/clients.ts";
import { implementation } from "./support/implementation.ts";
import { cuttable, listen } from "./support/servers.ts";

const FILES = {
  "index.html": '<script type="module" src="/main.ts"></script>',
  "main.ts": "export const answer: number = 42;\nimport.meta.hot?.accept();\n",
};

/** Vite as the middleware of an HTTP server which also has a WebSocket server at `/chat`. */
async function serve(): Promise<{ vite: ViteDevServer; port: number; url: string }> {
  const { http, port, url } = await listen();
  const root = await mkdtemp(join(tmpdir(), "tideway-vite-"));
  for (const [name, text] of Object.entries(FILES)) await writeFile(join(root, name), text);
  const vite = await createVite({
    root,
    configFile: false,
    logLevel: "silent",
    cacheDir: join(root, ".vite"),
    server: { middlewareMode: true, ws: { server: http }, watch: null },
  });
  onTestFinished(async () => {
    await vite.close();
    await rm(root, { recursive: true });
  });
  http.on("request", vite.middlewares);
  addChat(http);
  return { vite, port, url };
}

/** Sends each message at `/chat` to all clients there, and leaves other upgrades to Vite. */
function addChat(http: Server): void {
  const chat = new implementation.WebSocketServer({ noServer: true });
  http.on("upgrade", (request, socket, head) => {
    if (request.url !== "/chat") return;
    chat.handleUpgrade(request, socket, head, (client) => chat.emit("connection", client, request));
  });
  chat.on("connection", (client) => {
    client.on("message", (data, isBinary) => {
      for (const other of chat.clients) other.send(data, { binary: isBinary });
    });
  });
  onTestFinished(() => {
    for (const client of chat.clients) client.terminate();
  });
}

/** Connects to Vite as its page does. */
async function openUpdates(url: string, { config }: ViteDevServer): Promise<WebSocket> {
  const path = `/?token=${config.webSocketToken}`;
  const client = await openClient(url, path, ["vite-hmr"], { origin: url });
  expect(await nextMessage(client)).toBe('{"type":"connected"}');
  return client;
}

/** Has Vite update a module that it has served. */
async function update(vite: ViteDevServer, path: string): Promise<void> {
  const { moduleGraph } = vite.environments.client;
  await vite.environments.client.reloadModule((await moduleGraph.getModuleByUrl(path))!);
}

const UPDATE = expect.stringContaining('"type":"update"') as unknown;

describe("a Vite dev server on the same HTTP server", () => {
  it("delivers its updates while a WebSocket server delivers messages", async () => {
    const { vite, url } = await serve();
    const page = await (await fetch(url, { headers: { accept: "text/html" } })).text();
    expect(page).toContain("/@vite/client");
    expect(await (await fetch(`${url}/main.ts`)).text()).toContain("answer = 42");
    const updates = await openUpdates(url, vite);
    const [anna, ben] = [await openClient(url, "/chat"), await openClient(url, "/chat")];
    anna.send("ahoy");
    await update(vite, "/main.ts");
    expect([await nextMessage(anna), await nextMessage(ben)]).toEqual(["ahoy", "ahoy"]);
    expect(await nextMessage(updates)).toEqual(UPDATE);
  });

  it("serves both again after their connections break", async () => {
    const { vite, port, url } = await serve();
    await fetch(`${url}/main.ts`);
    const proxy = await cuttable(port);
    const cut = `http://127.0.0.1:${proxy.port}`;
    const broken = [await openUpdates(cut, vite), await openClient(cut, "/chat")].map(closeOf);
    proxy.cut();
    for (const closed of broken) expect((await closed).code).toBe(1006);
    const [updates, chat] = [await openUpdates(cut, vite), await openClient(cut, "/chat")];
    chat.send("back");
    await update(vite, "/main.ts");
    expect(await nextMessage(chat)).toBe("back");
    expect(await nextMessage(updates)).toEqual(UPDATE);
  });

  it("refuses a page of another origin, while the WebSocket server accepts it", async () => {
    const { url } = await serve();
    const options = { origin: "https://example.com" };
    await expect(openClient(url, "/?token=wrong", ["vite-hmr"], options)).rejects.toThrow("400");
    const chat = await openClient(url, "/chat", [], options);
    chat.send("ahoy");
    expect(await nextMessage(chat)).toBe("ahoy");
  });
});
