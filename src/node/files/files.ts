import { statSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "../../errors/index.ts";
import { NEEDS_WILDCARD } from "../../server/values.ts";
import type { FilesOptions } from "./serve-file.ts";

/**
 * Serves the files below `directory`: `"/static/*": files("public")`. The last wildcard of the route
 * matches the path of the file; a route without a wildcard throws. If you call the handler outside a
 * route, it uses the whole path of the URL.
 *
 * Answers GET and HEAD, conditional requests and single ranges. Nothing outside of `directory` is
 * served, whatever the path holds and wherever symbolic links point. A directory is answered by its
 * index, after a redirect to its path with a slash at the end.
 *
 * @param directory relative to the working directory of the process
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
    // Most servers of WebSockets do not serve files, and this module takes a third of the heap.
    const { serveFile } = await import("./serve-file.ts");
    return serveFile(root, request, context, options);
  };
  return Object.defineProperty(handler, NEEDS_WILDCARD, { value: true });
}

function toRoot(directory: unknown): string {
  if (typeof directory !== "string" && !(directory instanceof URL)) {
    throw new UsageError(
      "INVALID_OPTION",
      `files: the directory must be a path or a file: URL, and is ${typeof directory}`,
    );
  }
  try {
    const root = resolve(directory instanceof URL ? fileURLToPath(directory) : directory);
    if (statSync(root).isDirectory()) return root;
  } catch (cause) {
    throw new UsageError("INVALID_OPTION", `files: cannot serve the directory ${directory}`, {
      cause,
    });
  }
  throw new UsageError("INVALID_OPTION", `files: ${directory} is not a directory`);
}
