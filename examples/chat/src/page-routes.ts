import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { files, type HttpHandler } from "tideway/server";

/** HTML, CSS and the icon. */
const STATIC = new URL("../static/", import.meta.url);

/** The modules of the page, and the modules that it shares with this server, as the compiler wrote them. */
const PAGE = new URL("page/", import.meta.url);
const WIRE = new URL("wire/", import.meta.url);

/** The library, to which the page's import map refers. */
const TIDEWAY = new URL("../", import.meta.resolve("tideway/protocol"));

/** The page of the chat and its files, as routes of a server. They must be the last routes. */
export async function pageRoutes(): Promise<
  Readonly<Record<"/page/*" | "/wire/*" | "/tideway/*" | "/*", HttpHandler>>
> {
  const html = await readFile(new URL("index.html", STATIC), "utf8");
  const serve = (directory: URL): HttpHandler => withHeaders(files(directory), makeHeaders(html));
  return {
    "/page/*": serve(PAGE),
    "/wire/*": serve(WIRE),
    "/tideway/*": serve(TIDEWAY),
    "/*": serve(STATIC),
  };
}

/**
 * The content security policy. The browser loads and runs only files of this server, so a message that
 * became markup by mistake would have no effect.
 */
function makeHeaders(html: string): Readonly<Record<string, string>> {
  const policy = [
    "default-src 'none'",
    `script-src 'self' '${hashOfImportMap(html)}'`,
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ];
  return {
    "content-security-policy": policy.join("; "),
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  };
}

/** An import map must be in the page itself, so the policy has its hash (CSP 3, 8.3). */
function hashOfImportMap(html: string): string {
  const map = /<script type="importmap">([^<]*)<\/script>/.exec(html)?.[1];
  if (map === undefined) throw new Error("the page of the chat has no import map");
  return `sha256-${createHash("sha256").update(map).digest("base64")}`;
}

function withHeaders(handler: HttpHandler, headers: Readonly<Record<string, string>>): HttpHandler {
  return async (request, context) => {
    const response = await handler(request, context);
    for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
    return response;
  };
}
