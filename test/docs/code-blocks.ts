import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { DOCS_PAGES, readPage } from "./pages.ts";

const root = join(import.meta.dirname, "../..");

/** A fenced block of code. */
export interface CodeBlock {
  readonly page: string;
  /** The line of the fence. */
  readonly line: number;
  /** The first word after the fence. */
  readonly language: string;
  readonly code: string;
  /**
   * The comment before the block, which readers do not see: `<!-- setup: CODE -->` is code that the
   * block needs, and `<!-- fragment: REASON -->` says why the block does not compile.
   */
  readonly setup: string | undefined;
  readonly isFragment: boolean;
}

const BLOCK =
  /^(?:<!-- (?<kind>setup|fragment): (?<comment>(?:(?!-->)[^])*?)\s*-->\n+)?(?<indent> *)```(?<language>\S+)[^\n]*\n(?<code>[^]*?)^\k<indent>```$/gm;

export function readBlocks(page: string): CodeBlock[] {
  const text = readPage(page);
  return Array.from(text.matchAll(BLOCK), ({ index, 0: whole, groups }) => {
    const { kind, comment, indent, language, code } = groups!;
    const before = text.slice(0, index + whole.indexOf("```"));
    return {
      page,
      line: before.split("\n").length,
      language,
      code: code.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
      setup: kind === "setup" ? `${comment}\n` : undefined,
      isFragment: kind === "fragment",
    };
  });
}

/** The blocks that are programs: TypeScript, with JSX too, JavaScript, and modules in HTML as JavaScript. */
export function programsOf(page: string): CodeBlock[] {
  return readBlocks(page)
    .filter(({ isFragment }) => !isFragment)
    .flatMap((block) => {
      if (["ts", "tsx", "js"].includes(block.language)) return [block];
      if (block.language !== "html") return [];
      const scripts = block.code.matchAll(/<script type="module">(.*?)<\/script>/gs);
      return Array.from(scripts, ([, code]) => ({ ...block, language: "js", code }));
    });
}

/** The code blocks of a page in a language. */
export function codeBlocks(page: string, language = "ts"): readonly string[] {
  const blocks = readBlocks(page).filter((block) => block.language === language);
  return blocks.map(({ code }) => code);
}

/** The first TypeScript block on any page that contains `words`. */
export function blockWith(words: string): string {
  const pages = ["README.md", ...DOCS_PAGES];
  const block = pages.flatMap((page) => codeBlocks(page)).find((code) => code.includes(words));
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
