import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

it("the whiteboard has at most 250 lines of TypeScript", () => {
  const folder = join(import.meta.dirname, "../../examples/whiteboard/src");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const sources = files.filter((name) => name.endsWith(".ts"));
  const lines = sources.flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n"));
  expect(sources.length).toBeGreaterThan(2);
  expect(lines.length - sources.length).toBeLessThanOrEqual(250);
});
