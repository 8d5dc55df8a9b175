import { readFileSync } from "node:fs";
import { defineConfig } from "vitepress";
import { apiLinks } from "./markdown/api-links.ts";
import { repositoryLinks } from "./markdown/repository-links.ts";
import { copyProjectPages } from "./project-pages.ts";
import { slugify } from "./markdown/slug.ts";
import { GENERATED_SECTIONS, SECTIONS, type Section } from "./sidebar.ts";

const docs = new URL("../", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL("../package.json", docs), "utf8")) as {
  version: string;
  repository?: string | { url: string };
};
const repository = repositoryUrl();

/** The path of the site, such as `/tideway/` on GitHub Pages. */
const base = process.env["DOCS_BASE"] ?? "/";

copyProjectPages(docs);

export default defineConfig({
  title: "Tideway",
  description: "A WebSocket server and client for TypeScript.",
  lang: "en",
  base,
  cleanUrls: true,
  // VitePress does not add the base to links in the head.
  head: [["link", { rel: "icon", type: "image/svg+xml", href: `${base}logo.svg` }]],
  markdown: {
    // Pages that are written by hand contain only the Markdown that GitHub supports.
    attrs: { rule: ["heading"] },
    emoji: false,
    anchor: { slugify },
    codeTransformers: [apiLinks(docs)],
    languageAlias: { haproxy: "txt" },
    config: (markdown) => repositoryLinks(markdown, repository),
  },
  // The home page is set here because GitHub shows frontmatter as a table.
  transformPageData: ({ relativePath, frontmatter }) =>
    relativePath === "index.md" ? { frontmatter: { ...frontmatter, ...HOME } } : undefined,
  // The index of the search is one large chunk.
  vite: { build: { chunkSizeWarningLimit: 2000 } },
  themeConfig: {
    logo: { src: "/logo.svg", alt: "" },
    nav: [
      { text: "Guide", link: "/getting-started", activeMatch: "^/(getting-started|guides/)" },
      { text: "Options", link: "/options" },
      { text: "API", link: "/api/", activeMatch: "^/api/" },
      { text: `v${manifest.version}`, link: "/project/changelog" },
    ],
    sidebar: [...SECTIONS, ...GENERATED_SECTIONS].map(sidebarSection),
    outline: { level: [2, 3] },
    search: { provider: "local" },
    footer: { message: "Released under the MIT License." },
    externalLinkIcon: true,
    ...(repository !== undefined && {
      socialLinks: [{ icon: "github", link: repository }],
      editLink: { pattern: `${repository}/edit/HEAD/docs/:path`, text: "Edit this page" },
    }),
  },
});

const HOME = {
  layout: "home",
  hero: {
    name: "Tideway",
    text: "A WebSocket server and client for TypeScript",
    image: { src: "/logo.svg", alt: "" },
    actions: [
      { theme: "brand", text: "Get started", link: "/getting-started" },
      { theme: "alt", text: "API reference", link: "/api/" },
    ],
  },
};

function sidebarSection({ text, items }: Section) {
  return {
    text,
    collapsed: false,
    items: items.map(({ text: title, file }) => ({
      text: title,
      link: `/${file.replace(/(^|(?<=\/))index\.md$|\.md$/, "")}`,
    })),
  };
}

/** The address of the repository for browsers, if package.json names it. */
function repositoryUrl(): string | undefined {
  const { repository: field } = manifest;
  const url = typeof field === "string" ? field : field?.url;
  return url
    ?.replace(/^git\+/, "")
    .replace(/^github:/, "https://github.com/")
    .replace(/\.git$/, "");
}
