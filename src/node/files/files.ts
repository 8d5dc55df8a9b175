import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** What `files` can do otherwise. */
export interface FilesOptions {
  /** The file that answers for its directory; false for none. Default `"index.html"`. */
  readonly index?: string | false;
  /**
   * Whether to serve what has a name that begins with a dot, `.env` and `.git` among it. Default
   * `"hide"`.
   */
  readonly dotfiles?: "hide" | "serve";
  /** The value of `Cache-Control`. Default: none, so that clients ask again by `ETag`. */
  readonly cacheControl?: string;
}

/** What `files` needs of the context that a route's handler gets. */
export interface FilesContext {
  readonly params: Readonly<Record<string, string | undefined>>;
}

/** A handler of HTTP requests that serves a directory. */
export type FilesHandler = (request: Request, context?: FilesContext) => Promise<Response>;

/**
 * Serves the files below `directory`: `"/static/*": files("public")`. Which file is said by what the
 * route's last wildcard matched, or by the whole path where the route has none.
 *
 * Answers GET and HEAD, conditional requests and single ranges. Nothing outside of `directory` is
 * served, whatever the path holds and wherever symbolic links point. A directory is answered by its
 * index, after a redirect to its path with a slash at the end.
 */
export function files(directory: string | URL, options: FilesOptions = {}): FilesHandler {
  const root = resolve(directory instanceof URL ? fileURLToPath(directory) : directory);
  return async (request, context) => {
    // Most servers of WebSockets serve no files, and what this loads takes a third of the heap.
    const { serveFile } = await import("./serve-file.ts");
    return serveFile(root, request, context, options);
  };
}
