import { cpSync, rmSync } from "node:fs";

/** Files of the repository's root that are on the site as well, and their pages relative to docs/. */
export const PROJECT_PAGES: Readonly<Record<string, string>> = {
  "CHANGELOG.md": "project/changelog.md",
  "CONTRIBUTING.md": "project/contributing.md",
  "SECURITY.md": "project/security.md",
};

/** Copies the files into docs/project, which is not committed. */
export function copyProjectPages(docs: URL): void {
  rmSync(new URL("project", docs), { recursive: true, force: true });
  for (const [file, page] of Object.entries(PROJECT_PAGES)) {
    cpSync(new URL(`../${file}`, docs), new URL(page, docs));
  }
}
