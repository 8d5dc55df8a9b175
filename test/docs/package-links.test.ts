import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const root = new URL("../../", import.meta.url);

/** The paths of the files that `npm pack` puts into the package. */
async function packedFiles(): Promise<readonly string[]> {
  const args = ["pack", "--dry-run", "--json", "--ignore-scripts"];
  const { stdout } = await promisify(execFile)("npm", args, {
    cwd: fileURLToPath(root),
    maxBuffer: 16_777_216,
  });
  const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
  return files.map(({ path }) => path);
}

/** What the relative links of a page lead to, as paths from the root. */
async function relativeLinks(page: string): Promise<readonly string[]> {
  const text = await readFile(new URL(page, root), "utf8");
  return Array.from(text.matchAll(/\]\(([^)\s]+)\)/g), ([, link]) => link)
    .filter((link) => !/^([a-z]+:|#)/.test(link))
    .map((link) => posix.join(posix.dirname(page), link.replace(/#.*/, "")).replace(/\/$/, ""));
}

it("has every file in the package that the README and the docs link to", async () => {
  const files = await packedFiles();
  const pages = files.filter((path) =>
    /^(README|SECURITY|CONTRIBUTING|docs\/[^/]+)\.md$/.test(path),
  );
  expect(pages).toContain("README.md");
  expect(pages).toContain("docs/topics.md");
  const broken: string[] = [];
  for (const page of pages) {
    for (const link of await relativeLinks(page)) {
      const isThere = files.some((path) => path === link || path.startsWith(`${link}/`));
      if (!isThere) broken.push(`${page}: ${link}`);
    }
  }
  expect(broken).toEqual([]);
});

it("declares the clients of the brokers as optional peers that the tests' versions satisfy", async () => {
  const text = await readFile(new URL("package.json", root), "utf8");
  const { peerDependencies, peerDependenciesMeta, devDependencies } = JSON.parse(text) as Record<
    string,
    Record<string, unknown>
  >;
  const names = ["@nats-io/jetstream", "@nats-io/transport-node", "ioredis", "redis"];
  expect(Object.keys(peerDependencies).toSorted()).toEqual(names);
  for (const name of names) {
    expect(peerDependenciesMeta[name]).toEqual({ optional: true });
    const [major] = /\d+/.exec(String(devDependencies[name]))!;
    expect(String(peerDependencies[name])).toContain(`^${major}.`);
  }
});
