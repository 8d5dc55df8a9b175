import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const folder = join(root, "packages/tideway-ws");

interface Manifest {
  readonly version: string;
  readonly engines: object;
  readonly dependencies: Record<string, string>;
}

const manifestIn = (path: string): Manifest =>
  JSON.parse(readFileSync(join(path, "package.json"), "utf8")) as Manifest;

describe("tideway-ws", () => {
  it("has the version of tideway, requires that version, and runs on the same releases of Node.js", () => {
    const { version, engines } = manifestIn(root);
    expect(manifestIn(folder)).toMatchObject({
      version,
      engines,
      dependencies: { tideway: version },
    });
  });

  it("can be bundled for a browser, and throws when a page creates a WebSocket", () => {
    const WebSocket = createRequire(import.meta.url)(
      join(folder, "browser.cjs"),
    ) as new () => object;
    expect(() => new WebSocket()).toThrow("use the browser's own WebSocket");
  });
});
