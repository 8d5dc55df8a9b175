import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

/** Bundles some names of an entry point for browsers, minified, as for a page. */
export async function bundleForBrowser(
  names: readonly string[],
  file: "index.ts" | "channels.ts" = "index.ts",
): Promise<string> {
  const entry = fileURLToPath(new URL(`../../src/browser/${file}`, import.meta.url));
  const bundle = await rolldown({
    input: "virtual:page",
    plugins: [
      {
        name: "page",
        resolveId: (id) => (id === "virtual:page" ? id : null),
        load: (id) =>
          id === "virtual:page"
            ? `export { ${names.join(", ")} } from ${JSON.stringify(entry)};`
            : null,
      },
    ],
  });
  const { output } = await bundle.generate({ minify: true });
  await bundle.close();
  if (output.length !== 1 || output[0].imports.length > 0) throw new Error("more than one file");
  return output[0].code;
}
