import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "tideway";
import { serve } from "tideway/server";
import { createServer, type UserConfig } from "vite";
import { expect, it, onTestFinished } from "vitest";

const page = readFileSync(join(import.meta.dirname, "../../docs/guides/deploying.md"), "utf8");
const config = /^```js vite\.config\.js\n(.*?)^```$/ms.exec(page)![1];

/** Connects from a page of Vite's dev server, and returns the outcome. */
async function connectThrough(text: string): Promise<unknown> {
  const api = await serve({
    host: "127.0.0.1",
    port: 0,
    onRefused: () => {},
    routes: { "ws:/chat": (socket) => void socket.send("hello") },
  });
  onTestFinished(async () => await api.stop({ timeoutMs: 1000 }));
  const source = text.replace("127.0.0.1:8080", `127.0.0.1:${api.port}`);
  const url = `data:text/javascript,${encodeURIComponent(source)}`;
  const { default: loaded } = (await import(/* @vite-ignore */ url)) as { default: UserConfig };
  const root = mkdtempSync(join(tmpdir(), "tideway-vite-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const vite = await createServer({
    configFile: false,
    root,
    cacheDir: join(root, "cache"),
    logLevel: "silent",
    server: { ...loaded.server, host: "127.0.0.1", port: 0, watch: null },
  });
  onTestFinished(async () => await vite.close());
  await vite.listen();
  const { port } = vite.httpServer!.address() as AddressInfo;
  const socket = new WebSocket(`ws://127.0.0.1:${port}/chat`, {
    headers: { origin: `http://127.0.0.1:${port}` },
  });
  return await new Promise((resolve) => {
    socket.onmessage = ({ data }) => {
      socket.close();
      resolve(data);
    };
    socket.onerror = ({ error }) => resolve((error as { status?: unknown }).status);
  });
}

it("a page on Vite's dev server connects as docs/guides/deploying.md says", async () => {
  expect(await connectThrough(config)).toBe("hello");
});

it("a page on Vite's dev server is refused if the proxy changes the Host", async () => {
  const changing = config.replace("ws: true", "ws: true, changeOrigin: true");
  expect(changing).not.toBe(config);
  expect(await connectThrough(changing)).toBe(403);
});

it("a page on Vite's dev server is refused if the proxy has only a ws: URL", async () => {
  const short = config.replace(
    '{ target: "http://127.0.0.1:8080", ws: true }',
    '"http://127.0.0.1:8080"',
  );
  expect(short).not.toBe(config);
  expect(await connectThrough(short.replace('"http:', '"ws:'))).toBe(403);
});
