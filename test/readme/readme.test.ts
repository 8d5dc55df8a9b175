import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { WebSocket } from "tideway";
import type { Server } from "tideway/server";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";

const root = join(import.meta.dirname, "../..");
// Within the package, so that `tideway` is the package itself, as it is for those who install it.
const folder = join(root, "test-artefacts/readme");
const readme = readFileSync(join(root, "README.md"), "utf8");
const blocks = Array.from(readme.matchAll(/^```ts\n(.*?)^```$/gms), ([, code]) => code);

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe("every block of code in the README", () => {
  it("compiles against the package as it is published", () => {
    for (const [at, code] of blocks.entries()) {
      writeFileSync(join(folder, `block-${at + 1}.ts`), code);
    }
    const config = { extends: "../../test/tsconfig.json", include: ["*.ts"], references: [] };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    const typescript = createRequire(import.meta.url).resolve("typescript/package.json");
    const compiler = join(dirname(typescript), "bin/tsc");
    const { stdout, status } = spawnSync(process.execPath, [compiler, "-p", folder]);
    expect({ status, output: String(stdout) }).toEqual({ status: 0, output: "" });
  });
});

describe("the first screen of the README", () => {
  let server: Server;

  const run = async (at: number, code: string): Promise<{ server: Server }> => {
    const path = join(folder, `run-${at}.ts`);
    writeFileSync(path, code);
    return (await import(path)) as { server: Server };
  };
  const startServer = async (at: number): Promise<void> => {
    const code = blocks[at]
      .replace("port: 8080", "port: 0")
      .replace(/^(const server = )?await serve\(/m, "export const server = await serve(");
    ({ server } = await run(at, code));
  };

  afterEach(async () => {
    await server.stop();
    vi.restoreAllMocks();
  });

  it("has a server and a client that talk to each other", async () => {
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    await startServer(0);
    await run(1, blocks[1].replaceAll("8080", String(server.port)));
    expect(log.mock.calls).toEqual([[`listening on port ${server.port}`], ["hello"]]);
  });

  it("has a chat that tells everyone in a room, by name, and nobody else", async () => {
    await startServer(2);
    const enter = async (path: string): Promise<WebSocket> => {
      const socket = new WebSocket(`ws://127.0.0.1:${server.port}/rooms/${path}`);
      await socket.onOpen.first;
      return socket;
    };
    const [ann, bob, elsewhere] = [
      await enter("tea?name=ann"),
      await enter("tea?name=bob"),
      await enter("coffee?name=cat"),
    ];
    const heard = [ann, bob].map(async (socket) => (await socket.onMessage.first).data);
    const heardElsewhere = elsewhere.onMessage.first;
    ann.send("hello");
    expect(await Promise.all(heard)).toEqual(["ann: hello", "ann: hello"]);
    elsewhere.send("and here?");
    expect((await heardElsewhere).data).toBe("cat: and here?");
    const closed = [ann, bob, elsewhere].map(async (socket) => {
      socket.close();
      return (await socket.onClose.first).wasClean;
    });
    expect(await Promise.all(closed)).toEqual([true, true, true]);
  });

  it("has a chat that turns away who gives no name", async () => {
    await startServer(2);
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/rooms/tea`);
    expect((await socket.onClose.first).code).toBe(1006);
  });
});
