import { realpath, stat } from "node:fs/promises";
import type { Stats } from "node:fs";
import { join, sep } from "node:path";
import { detectMimeType } from "@remix-run/mime";
import { createFileResponse } from "@remix-run/response/file";
import { DiskFile } from "./file-body.ts";

/** Options of `files`. */
export interface FilesOptions {
  /**
   * The name of the file to serve for a directory. With `false`, a directory gets 404. Default:
   * `"index.html"`.
   */
  readonly index?: string | false;
  /**
   * Whether to serve files and directories with a leading dot in their name, such as `.env`. With `"hide"`,
   * they get 404. Default: `"hide"`.
   */
  readonly dotfiles?: "hide" | "serve";
  /**
   * The value of the `Cache-Control` header. Default: no such header, and clients revalidate their copy by
   * its `ETag`.
   */
  readonly cacheControl?: string;
}

/** The part of a handler's context with the path of the file, which is the last wildcard. */
interface FilesContext {
  readonly params: Readonly<Record<string, string | undefined>>;
}

/** Answers `request` with a file below `root`; see `files`. */
export async function serveFile(
  root: string,
  request: Request,
  context: FilesContext | undefined,
  options: FilesOptions,
): Promise<Response> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return plain(405, "Files can only be read.", { Allow: "GET, HEAD" });
  }
  const { pathname, search } = new URL(request.url);
  const path = lastWildcard(context) ?? pathname.slice(1);
  const names = readNames(path);
  if (names === 400) return plain(400, "The path is not percent-encoded UTF-8.");
  if (names === 404) return notFound();
  const isHidden = options.dotfiles !== "serve" && names.some((name) => name.startsWith("."));
  const found = isHidden ? undefined : await find(root, join(root, ...names));
  if (found === undefined) return notFound();

  if (!found.stats.isDirectory())
    return path.endsWith("/") ? notFound() : send(found, request, options);
  // Relative links of a page are resolved against its directory only if that ends with a slash.
  if (!pathname.endsWith("/")) return redirect(pathname, search);
  const { index = "index.html" } = options;
  const page = index === false ? undefined : await find(root, join(found.path, index));
  return page?.stats.isFile() === true ? send(page, request, options) : notFound();
}

interface Found {
  /** With all symbolic links resolved. */
  readonly path: string;
  readonly stats: Stats;
}

/** The error codes for a path without a file. */
const ABSENT = new Set(["ENOENT", "ENOTDIR", "ENAMETOOLONG", "ELOOP", "EACCES", "EINVAL"]);

/** The file or directory at `path`, unless it is outside of `root`. */
async function find(root: string, path: string): Promise<Found | undefined> {
  try {
    const [realRoot, realTarget] = await Promise.all([realpath(root), realpath(path)]);
    const below = realRoot.endsWith(sep) ? realRoot : realRoot + sep;
    if (realTarget !== realRoot && !realTarget.startsWith(below)) return undefined;
    const stats = await stat(realTarget);
    return stats.isFile() || stats.isDirectory() ? { path: realTarget, stats } : undefined;
  } catch (error) {
    if (ABSENT.has((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}

/** Splits a path into names. Returns a status if it cannot be the path of a file. */
function readNames(path: string): string[] | 400 | 404 {
  const segments = path.split("/");
  if (segments.at(-1) === "") segments.pop();
  const names = segments.map(decode);
  if (names.includes(undefined)) return 400;
  return (names as string[]).every(isName) ? (names as string[]) : 404;
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

/** Whether `name` can be the name of one file or directory. An encoded separator would make it several. */
function isName(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && !/[/\\\0]/.test(name);
}

/** The value of the route's last wildcard. */
function lastWildcard(context: FilesContext | undefined): string | undefined {
  let value: string | undefined;
  for (let index = 0; context?.params[index] !== undefined; index++) value = context.params[index];
  return value;
}

async function send(
  { path, stats }: Found,
  request: Request,
  { cacheControl }: FilesOptions,
): Promise<Response> {
  const response = await createFileResponse(
    new DiskFile(path, typeOf(path), stats),
    withUsableRange(request, stats.size),
    { acceptRanges: true, ...(cacheControl === undefined ? {} : { cacheControl }) },
  );
  // RFC 9110 15.4.5: a 304 has the same field as the 200, so that the client updates its copy.
  if (response.status === 304 && cacheControl !== undefined) {
    response.headers.set("Cache-Control", cacheControl);
  }
  response.headers.set("X-Content-Type-Options", "nosniff");
  return response;
}

function typeOf(path: string): string {
  // The library looks extensions up in an object with inherited properties, such as `constructor`.
  const type: unknown = detectMimeType(path);
  return typeof type === "string" ? type : "application/octet-stream";
}

/** RFC 9110 14.1.2: first-last, first-, or -length for the last bytes. */
const SINGLE_RANGE = /^bytes=(?:\d+-\d*|-0*[1-9]\d*)$/i;

/**
 * Removes a `Range` header that is malformed, has another unit, or has several parts. Then the whole file is
 * sent, as RFC 9110 14.2 allows. An empty file is always sent whole.
 */
function withUsableRange(request: Request, size: number): Request {
  const range = request.headers.get("Range");
  if (range === null || (size > 0 && SINGLE_RANGE.test(range) && !isBackwards(range)))
    return request;
  const headers = new Headers(request.headers);
  headers.delete("Range");
  return new Request(request.url, { method: request.method, headers });
}

function isBackwards(range: string): boolean {
  const [first, last] = range.slice("bytes=".length).split("-");
  return first !== "" && last !== "" && Number(first) > Number(last);
}

/** Redirects relative to the last segment, so that no path can redirect to another host. */
function redirect(pathname: string, search: string): Response {
  const segment = pathname.slice(pathname.lastIndexOf("/") + 1);
  return plain(301, "This is a directory.", { Location: `./${segment}/${search}` });
}

function notFound(): Response {
  return plain(404, "There is no file at this path.");
}

function plain(status: number, message: string, headers: Record<string, string> = {}): Response {
  return new Response(message, { status, headers });
}
