import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { parseSync } from "rolldown/utils";
import { expect, it, onTestFinished } from "vitest";
import { type CodeBlock, programsOf, readBlocks } from "./code-blocks.ts";
import { DOCS_PAGES, readPage } from "./pages.ts";

const PAGES = ["README.md", "CONTRIBUTING.md", "SECURITY.md", ...DOCS_PAGES];

/** `test/frameworks` compiles and runs these blocks, because their imports resolve only there. */
const COMPILED_ELSEWHERE = ["docs/guides/frameworks.md"];

const programs = PAGES.filter((page) => !COMPILED_ELSEWHERE.includes(page)).flatMap(programsOf);

/** Languages that other tests check, and output and settings of other programs. */
const OTHER_LANGUAGES = ["caddy", "dart", "dockerfile", "haproxy", "ini", "nginx", "text", "yaml"];

it.each([
  // `tsc --init` sets both.
  ["with strict and noUncheckedIndexedAccess", { noUncheckedIndexedAccess: true }],
  // Plain JavaScript cannot annotate its parameters, as strict demands.
  ["without strict", { strict: false, exactOptionalPropertyTypes: false, checkJs: true }],
])("every program in the pages compiles against the published package, %s", (name, options) => {
  // In the package's folder, so that `tideway` is the package itself, as for its users.
  const folder = join(import.meta.dirname, "../../test-artefacts/docs", name.replaceAll(" ", "-"));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  onTestFinished(() => rmSync(folder, { recursive: true }));
  // The guide to React imports the contract of the guide to channels.
  const [contract] = programsOf("docs/guides/channels.md");
  for (const [at, { page, language, setup = "", code }] of programs.entries()) {
    const ofPage = join(folder, page.replaceAll(/\W/g, "-"));
    mkdirSync(ofPage, { recursive: true });
    if (page === "docs/guides/react.md") writeFileSync(join(ofPage, "contract.ts"), contract.code);
    // The setup adds no line, so that the line numbers of errors are right.
    const text = `${setup.replaceAll("\n", " ")}${code}`;
    writeFileSync(join(ofPage, `block-${at}.${language}`), text);
    // Other blocks of the page can import a block that begins with its file name.
    const fileName = /^\/\/ (\w+\.(?:ts|js))\n/.exec(code)?.[1];
    if (fileName !== undefined) writeFileSync(join(ofPage, fileName), text);
  }
  const config = {
    extends: "../../../test/tsconfig.json",
    compilerOptions: { ...options, noUnusedLocals: false, allowJs: true, jsx: "react-jsx" },
    include: ["*/block-*.ts", "*/block-*.tsx", "*/block-*.js"],
    references: [],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const output = compile(folder).replaceAll(/^\S*?block-(\d+)\.\w+\((\d+)/gm, (_, at, line) => {
    const block = programs[Number(at)];
    return `${block.page}:${block.line + Number(line)}(`;
  });
  expect(output).toBe("");
});

function compile(folder: string): string {
  const typescript = createRequire(import.meta.url).resolve("typescript/package.json");
  const compiler = join(dirname(typescript), "bin/tsc");
  const { stdout } = spawnSync(process.execPath, [compiler, "-p", folder], { encoding: "utf8" });
  return stdout;
}

const blocks = PAGES.flatMap(readBlocks);
const blocksIn = (language: string): CodeBlock[] =>
  blocks.filter((block) => block.language === language);

it("every block of code names its language, and tests check that language", () => {
  const checked = ["ts", "tsx", "js", "html", "sh", "json", "jsonc", ...OTHER_LANGUAGES];
  expect(blocks.filter(({ language }) => !checked.includes(language))).toEqual([]);
  for (const page of PAGES) {
    const fences = readPage(page).match(/^ *```.*$/gm) ?? [];
    expect([page, fences.length]).toEqual([page, 2 * readBlocks(page).length]);
  }
});

it("every block of JSON parses", () => {
  for (const { code } of blocksIn("json")) expect(() => JSON.parse(code) as unknown).not.toThrow();
});

it("every fragment of JavaScript parses", () => {
  const fragments = blocksIn("js").filter(({ isFragment }) => isFragment);
  for (const { page, code } of fragments) {
    expect([page, parseSync("fragment.js", code).errors]).toEqual([page, []]);
  }
});

it("every block of commands parses, and runs only scripts that package.json has", () => {
  const { scripts } = JSON.parse(readPage("package.json")) as { scripts: Record<string, string> };
  for (const { page, code } of blocksIn("sh")) {
    const { stderr } = spawnSync("bash", ["-n"], { input: code, encoding: "utf8" });
    expect([page, stderr]).toEqual([page, ""]);
  }
  for (const page of ["README.md", "CONTRIBUTING.md"]) {
    const commands = readPage(page).matchAll(/npm run (?<name>[\w:-]+)/g);
    const names = Array.from(commands, ({ groups }) => groups!["name"]);
    const missing = names.filter((name) => !(name in scripts));
    expect([page, missing]).toEqual([page, []]);
  }
});
