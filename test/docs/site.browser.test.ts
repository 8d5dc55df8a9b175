/** Opens the site that `npm run docs:build` has written, in Chromium. `npm run docs:check` does both. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import axe from "axe-core";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeInBrowser, launchBrowser } from "../support/browser.ts";

const site = join(import.meta.dirname, "../../docs/.vitepress/dist");
const isBuilt = existsSync(site);

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".svg": "image/svg+xml",
};

/** Serves the site as hosts of static pages do: `/page` is `page.html`. */
function startServer(): Promise<Server> {
  const server = createServer(({ url }, response) => {
    const { pathname } = new URL(url!, "http://localhost");
    const path = pathname.endsWith("/") ? `${pathname}index.html` : pathname;
    const file = [path, `${path}.html`]
      .map((name) => join(site, name))
      .find((name) => existsSync(name));
    if (file === undefined) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "text/plain" });
    return response.end(readFileSync(file));
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

const PAGES = [
  "/",
  "/getting-started",
  "/guides/topics",
  "/options",
  "/conformance",
  "/api/",
  "/api/tideway-server",
];

describe.skipIf(!isBuilt)(
  `the site${isBuilt ? "" : " [skipped: npm run docs:build writes it]"}`,
  () => {
    const pages = isBuilt
      ? readdirSync(site, { recursive: true, encoding: "utf8" }).filter((name) =>
          name.endsWith(".html"),
        )
      : [];
    const textOf = (page: string): string => readFileSync(join(site, page), "utf8");

    it("has every anchor that its pages link to", () => {
      const ids = new Map(
        pages.map((page) => [
          `/${page.replaceAll("\\", "/").replace(/(^|(?<=\/))index\.html$|\.html$/, "")}`,
          new Set(Array.from(textOf(page).matchAll(/ id="([^"]+)"/g), ([, id]) => id)),
        ]),
      );
      const missing = pages.flatMap((page) => {
        const base = `http://site/${page.replaceAll("\\", "/").replace(/\.html$/, "")}`;
        return Array.from(
          textOf(page).matchAll(/<a [^>]*href="([^"]+)"/g),
          ([, href]) => new URL(href, base),
        )
          .filter(({ host, hash }) => host === "site" && hash !== "")
          .filter(({ pathname, hash }) => {
            const target = ids.get(pathname.replace(/\/index$/, "/"));
            return target?.has(decodeURIComponent(hash.slice(1))) !== true;
          })
          .map(({ pathname, hash }) => `${page}: ${pathname}${hash}`);
      });
      expect(missing).toEqual([]);
    });

    describeInBrowser("in a browser", () => {
      let browser: Browser;
      let server: Server;
      let origin: string;

      beforeAll(async () => {
        server = await startServer();
        origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
        browser = await launchBrowser();
      });

      afterAll(async () => {
        await browser.close();
        server.closeAllConnections();
        server.close();
      });

      it.each([
        ["a desktop, light", { width: 1280, height: 900 }, "light"],
        ["a desktop, dark", { width: 1280, height: 900 }, "dark"],
        ["a phone, light", { width: 390, height: 844 }, "light"],
        ["a phone, dark", { width: 390, height: 844 }, "dark"],
      ] as const)(
        "is accessible, and no page scrolls sideways: %s",
        async (_, viewport, colorScheme) => {
          const context = await browser.newContext({ viewport, colorScheme });
          const remote = remoteRequests(context, origin);
          const page = await context.newPage();
          for (const path of PAGES) {
            await page.goto(origin + path, { waitUntil: "networkidle" });
            expect([path, await seriousFaults(page)]).toEqual([path, []]);
            const isTooWide = await page.evaluate(
              () => document.documentElement.scrollWidth > globalThis.innerWidth,
            );
            expect([path, isTooWide]).toEqual([path, false]);
          }
          expect(remote).toEqual([]);
          await context.close();
        },
        120_000,
      );

      it("finds an option in the guides and in the API reference", async () => {
        const page = await browser.newPage();
        await page.goto(`${origin}/`, { waitUntil: "networkidle" });
        await page.keyboard.press("Control+k");
        await page.getByRole("searchbox").fill("maxMessageBytes");
        const results = page.locator(".results a");
        await results.first().waitFor();
        const links = await results.evaluateAll((found) =>
          found.map((link) => link.getAttribute("href")),
        );
        expect(links.some((link) => link?.startsWith("/api/tideway-server") === true)).toBe(true);
        expect(links.some((link) => link?.startsWith("/options") === true)).toBe(true);
        await page.close();
      });
    });
  },
);

/** Collects requests to other hosts: the site loads no fonts or scripts from them. */
function remoteRequests(context: BrowserContext, origin: string): string[] {
  const remote: string[] = [];
  context.on("request", (request) => {
    if (!request.url().startsWith(origin)) remote.push(request.url());
  });
  return remote;
}

async function seriousFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { axe: checker } = globalThis as unknown as { axe: typeof axe };
    const { violations } = await checker.run(document);
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id} at ${target.join(" ")}`));
  });
}
