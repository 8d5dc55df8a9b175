import { readFileSync } from "node:fs";
import type { Server } from "tideway/server";
import { afterEach, describe, expect, it, vi } from "vitest";
import { BlockFolder, codeBlocks } from "../docs/code-blocks.ts";

const [serverCode, clientCode] = codeBlocks("README.md");
const folder = BlockFolder.forTests(import.meta.filename);

describe("the first screen of the README", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it("has a server and a client that talk to each other", async () => {
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    const { server } = await folder.run<{ server: Server }>(
      serverCode.replace("port: 8080", "port: 0").replace(/^const server/m, "export const server"),
    );
    await folder.run(clientCode.replaceAll("8080", String(server.port)));
    expect(log.mock.calls).toEqual([[`listening on port ${server.port}`], ["hello"]]);
    expect((await fetch(server.url)).status).toBe(200);
    await server.stop();
  });
});

it("the README has at most 150 lines", () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  expect(readme.trimEnd().split("\n").length).toBeLessThanOrEqual(150);
});
