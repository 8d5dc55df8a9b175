import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { DOCS_PAGES, readPage, root } from "./pages.ts";

interface Package {
  readonly files: readonly string[];
  readonly unpackedBytes: number;
}

let packed: Promise<Package> | undefined;

/** The result of `npm pack`, which takes seconds: it runs once for all tests. */
function pack(): Promise<Package> {
  return (packed ??= runPack());
}

async function runPack(): Promise<Package> {
  const args = ["pack", "--dry-run", "--json", "--ignore-scripts"];
  const { stdout } = await promisify(execFile)("npm", args, {
    cwd: fileURLToPath(root),
    maxBuffer: 16_777_216,
    // On Windows npm is a script, which only a shell can start.
    shell: process.platform === "win32",
  });
  const [{ files, unpackedSize }] = JSON.parse(stdout) as [
    { files: { path: string }[]; unpackedSize: number },
  ];
  return { files: files.map(({ path }) => path), unpackedBytes: unpackedSize };
}

interface Link {
  /** From the root of the repository. */
  readonly path: string;
  readonly anchor: string | undefined;
}

/** The relative links of a page outside of code. */
function relativeLinks(page: string): readonly Link[] {
  const text = readPage(page).replace(/^```[^]*?^```/gm, "");
  const links = text.matchAll(/\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)/gm);
  return Array.from(links, ([, link, defined]) => link ?? defined)
    .filter((link) => !/^[a-z]+:/.test(link))
    .map((link) => {
      const [path, anchor] = link.split("#");
      const absolute = path === "" ? page : posix.join(posix.dirname(page), path);
      return { path: absolute.replace(/\/$/, ""), anchor };
    });
}

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): readonly string[] {
  return Array.from(readPage(page).matchAll(/^#+ (.*)$/gm), ([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

const PAGES = ["README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md", ...DOCS_PAGES];

it.each(PAGES)("the relative links of %s lead to files and headings of the repository", (page) => {
  const broken = relativeLinks(page).filter(
    ({ path, anchor }) =>
      !existsSync(new URL(path, root)) ||
      (anchor !== undefined && !anchorsOf(path).includes(anchor)),
  );
  expect(broken).toEqual([]);
});

it("the package contains the README and the pages that it links to", async () => {
  const { files } = await pack();
  expect(files).toEqual(expect.arrayContaining(PAGES));
  // The package contains no tests, benchmarks, other packages or sources of examples, which would double its size.
  // Links of pages to such files work in the repository, where a reader can run them.
  const isLeftOut = (page: string, path: string): boolean =>
    page.startsWith("docs/") && /^(test|bench|compat|packages)(\/|$)/.test(path);
  const broken = PAGES.flatMap((page) =>
    relativeLinks(page)
      .filter(({ path }) => !isLeftOut(page, path))
      .filter(({ path }) => !files.some((file) => file === path || file.startsWith(`${path}/`)))
      .map(({ path }) => `${page}: ${path}`),
  );
  expect(broken).toEqual([]);
});

it("the package contains the code, its sources for debuggers, and pages, in less than 7.5 MB", async () => {
  const { files, unpackedBytes } = await pack();
  const others = files.filter(
    (path) =>
      !/^((dist|src|docs|api)\/|examples\/[a-z-]+\/README\.md$|[A-Z]+(\.md)?$|package\.json$)/.test(
        path,
      ),
  );
  expect(others).toEqual([]);
  expect(unpackedBytes).toBeLessThan(7_500_000);
});

it("the package declares broker clients and React as optional peer dependencies, and the versions in the tests satisfy them", () => {
  const { peerDependencies, peerDependenciesMeta, devDependencies } = JSON.parse(
    readPage("package.json"),
  ) as Record<string, Record<string, unknown>>;
  const names = ["@nats-io/jetstream", "@nats-io/transport-node", "ioredis", "react", "redis"];
  expect(Object.keys(peerDependencies).toSorted()).toEqual(names);
  for (const name of names) {
    expect(peerDependenciesMeta[name]).toEqual({ optional: true });
    const [major] = /\d+/.exec(String(devDependencies[name]))!;
    // The hooks use functions that each later React has, and the tests of the package run with React 18 and 19.
    const range = name === "react" ? /^>=18\.0\.0$/ : new RegExp(`\\^${major}\\.`);
    expect(String(peerDependencies[name])).toMatch(range);
  }
});
