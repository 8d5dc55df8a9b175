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
