/** Runs the programs of the pages that start a server, on a free port, and stops their servers. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type * as ServerModule from "tideway/server";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type CodeBlock, programsOf } from "./code-blocks.ts";
import { DOCS_PAGES } from "./pages.ts";

const folder = join(import.meta.dirname, "../../test-artefacts/servers");
const servers: ServerModule.Server[] = [];

vi.mock("tideway/server", async (importOriginal) => {
  const original = await importOriginal<typeof ServerModule>();
  return {
    ...original,
    serve: async (options: Parameters<typeof original.serve>[0]) => {
      // The Node.js version that runs the tests may not support reusePort.
      const { path: _, reusePort: __, ...rest } = { path: "", reusePort: false, ...options };
      const server = await original.serve({ ...rest, host: "127.0.0.1", port: 0 });
      servers.push(server);
      return server;
    },
  };
});

const STARTS_SERVER = /^(export )?(const \w+ = )?await serve\(/m;

/**
 * Programs that run only in the test of their page, with its libraries, files, clients or values.
 */
const NEEDS_MORE =
  /from "(?!tideway|node:)|readFile|\bfiles\(|\bnew (ReconnectingWebSocket|WebSocket)|\bdeclare /;

const runnable = ({ code, setup }: CodeBlock): boolean =>
  setup === undefined && STARTS_SERVER.test(code) && !NEEDS_MORE.test(code);

const programs = ["README.md", ...DOCS_PAGES]
  .flatMap(programsOf)
  .filter(runnable)
  .map((block) => ({ ...block, name: `${block.page}:${block.line}` }));

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  vi.spyOn(console, "log").mockImplementation(() => {});
});

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
  process.removeAllListeners("SIGTERM");
});

afterAll(() => rmSync(folder, { recursive: true }));

describe("a program of the documentation", () => {
  it.each(programs)("starts its server: $name", async ({ code, language, page, line }) => {
    const path = join(folder, `${page.replaceAll(/\W/g, "-")}-${line}.${language}`);
    writeFileSync(path, code);
    await import(path);
    expect(servers).not.toEqual([]);
  });
});
