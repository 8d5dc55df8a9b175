import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";
import { expect, it } from "vitest";

const MAX_BYTES = 3072;

it(`fits a browser's WebSocket and ReconnectingWebSocket into ${MAX_BYTES} bytes`, async () => {
  const entry = fileURLToPath(new URL("../../src/browser/index.ts", import.meta.url));
  const bundle = await rolldown({
    input: "virtual:page",
    plugins: [
      {
        name: "page",
        resolveId: (id) => (id === "virtual:page" ? id : null),
        load: (id) =>
          id === "virtual:page"
            ? `export { ReconnectingWebSocket, WebSocket } from ${JSON.stringify(entry)};`
            : null,
      },
    ],
  });
  const { output } = await bundle.generate({ minify: true });
  await bundle.close();
  expect(output).toHaveLength(1);
  expect(output[0].imports).toEqual([]);
  // Nothing of what is measured was left out.
  expect(output[0].code).toContain("reconnecting");
  expect(gzipSync(output[0].code, { level: 9 }).length).toBeLessThanOrEqual(MAX_BYTES);
});
