import { statSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "../../errors/index.ts";
import { NEEDS_WILDCARD } from "../../server/routes/http-route.ts";
import type { FilesOptions } from "./serve-file.ts";

/**
 * Creates an HTTP handler that serves the files of a directory. Use it for a route with a wildcard: the last
 * wildcard is the path of the file. With a route without a wildcard, `serve` and `attach` throw. If you call
 * the handler yourself, without a context, it uses the whole path of the URL.
 *
 * It answers GET and HEAD, including conditional requests and requests for a single range (RFC 9110). It
 * never serves files outside of `directory`, even through symbolic links. For a directory, it redirects to
 * the path with a trailing slash, and there serves the index file.
 *
 * @param directory a path, relative to the working directory of the process, or a `file:` URL
 * @example
 * ```ts
 * await serve({ routes: { "/static/*": files("public") } });
 * ```
 *
 * @throws UsageError `INVALID_OPTION` if `directory` is not a directory
 */
export function files(
  directory: string | URL,
  options: FilesOptions = {},
): (
  request: Request,
  context?: { readonly params: Readonly<Record<string, string | undefined>> },
) => Promise<Response> {
  const root = toRoot(directory);
  const handler: ReturnType<typeof files> = async (request, context) => {
    // Loaded when it is needed: most WebSocket servers serve no files, and the module takes a third of the heap.
    const { serveFile } = await import("./serve-file.ts");
    return serveFile(root, request, context, options);
  };
  return Object.defineProperty(handler, NEEDS_WILDCARD, { value: true });
}

function toRoot(directory: unknown): string {
  if (typeof directory !== "string" && !(directory instanceof URL)) {
    throw new UsageError(
      "INVALID_OPTION",
      `files: the directory must be a path or a file: URL, not a value of type ${typeof directory}`,
    );
  }
  try {
    const root = resolve(directory instanceof URL ? fileURLToPath(directory) : directory);
    if (statSync(root).isDirectory()) return root;
  } catch (cause) {
    const why = (cause as Error).message;
    const message = `files: cannot serve the directory ${directory}: ${why}`;
    throw new UsageError("INVALID_OPTION", message, { cause });
  }
  throw new UsageError("INVALID_OPTION", `files: ${directory} is not a directory`);
}
