import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll } from "vitest";

const root = join(import.meta.dirname, "../..");

/** Pages with code that another test compiles, because it imports other packages. */
const COMPILED_ELSEWHERE = [
  "docs/guides/frameworks.md", // test/frameworks/recipes.test.ts
  "docs/coming-from/dart.md", // test/dart/page.test.ts
];

/** The README and the pages of docs/. Each of their TypeScript blocks is a whole module. */
export const PAGES: readonly string[] = [
  "README.md",
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .map((name) => `docs/${name.replaceAll("\\", "/")}`)
    .filter((name) => name.endsWith(".md") && !/^docs\/(api|project|\.vitepress)\//.test(name))
    .filter((name) => !COMPILED_ELSEWHERE.includes(name))
    .toSorted(),
];

/** The code blocks of a page in a language. */
export function codeBlocks(page: string, language = "ts"): readonly string[] {
  const text = readFileSync(join(root, page), "utf8");
  const pattern = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms");
  return Array.from(text.matchAll(pattern), ([, code]) => code);
}

/** The first TypeScript block on any page that contains `words`. */
export function blockWith(words: string): string {
  const block = PAGES.flatMap((page) => codeBlocks(page)).find((code) => code.includes(words));
  if (block === undefined) throw new Error(`no page has a block with ${words}`);
  return block;
}

/**
 * A folder for code blocks. It is inside the package, so that `tideway` is the package itself, as in a
 * project that has installed it.
 */
export class BlockFolder {
  readonly path: string;
  #count = 0;

  private constructor(name: string) {
    this.path = join(root, "test-artefacts", name);
  }

  /** Makes the folder for the tests of a file, and removes it afterwards. */
  static forTests(file: string): BlockFolder {
    const folder = new BlockFolder(basename(file, ".test.ts"));
    beforeAll(() => {
      rmSync(folder.path, { recursive: true, force: true });
      mkdirSync(folder.path, { recursive: true });
    });
    afterAll(() => rmSync(folder.path, { recursive: true }));
    return folder;
  }

  write(name: string, text: string): string {
    const path = join(this.path, name);
    writeFileSync(path, text);
    return path;
  }

  /** Runs a block and returns its exports. */
  async run<Exports>(code: string): Promise<Exports> {
    return (await import(this.write(`run-${++this.#count}.ts`, code))) as Exports;
  }
}
