import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";
import { expect, it } from "vitest";

const ENTRY = fileURLToPath(new URL("../../src/react/index.ts", import.meta.url));

const MAX_BYTES = 2_200;

it(`all hooks have at most ${MAX_BYTES} bytes together, and contain neither React nor a client`, async () => {
  const bundle = await rolldown({ input: ENTRY, external: ["react"], logLevel: "silent" });
  const { output } = await bundle.generate({ minify: true });
  await bundle.close();
  expect(output[0].imports).toEqual(["react"]);
  expect(gzipSync(output[0].code, { level: 9 }).length).toBeLessThanOrEqual(MAX_BYTES);
  const modules = output[0].moduleIds.map((id) => id.replaceAll("\\", "/"));
  expect(modules.filter((id) => /\/src\/(?!react\/|errors\/)/.test(id))).toEqual([]);
});

it("marks its modules for React Server Components as modules of the client", async () => {
  expect(await readFile(ENTRY, "utf8")).toMatch(/^"use client";\n/);
});

it("has React as an optional peer dependency", async () => {
  const manifest = JSON.parse(await readFile("package.json", "utf8")) as Record<string, object>;
  expect(manifest["dependencies"]).not.toHaveProperty("react");
  expect(manifest["peerDependencies"]).toHaveProperty("react", ">=18.0.0");
  expect(manifest["peerDependenciesMeta"]).toHaveProperty("react", { optional: true });
});
