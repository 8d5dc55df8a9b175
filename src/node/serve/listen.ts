import { lstat, unlink } from "node:fs/promises";
import type { Server } from "node:http";
import { connect } from "node:net";
import { platform, versions } from "node:process";
import { checkBoolean, checkInteger, invalidOption } from "../../errors/check-options.ts";
import { TransportError, UsageError } from "../../errors/index.ts";
import { RUNTIME_GAPS, type RuntimeGaps } from "./runtime-gaps.ts";

/** Where to listen: on a port, or on a Unix socket. `backlog` is the length of the accept queue. */
export type ListenPlace = { readonly backlog: number } & (
  | { readonly port: number; readonly host: string | undefined; readonly reusePort: boolean }
  | { readonly path: string }
);

/** @throws UsageError `INVALID_OPTION` */
export function readListenPlace(
  port: number | undefined,
  host: string | undefined,
  path: string | undefined,
  reusePort: boolean | undefined,
  backlog: number = DEFAULT_BACKLOG,
): ListenPlace {
  checkBoolean("serve", "reusePort", reusePort);
  checkInteger("serve", "backlog", backlog, 1, MAX_BACKLOG);
  if (path === undefined) {
    checkInteger("serve", "port", port, 0, 65_535);
    checkHost(host);
    return { port: port ?? DEFAULT_PORT, host, reusePort: reusePort ?? false, backlog };
  }
  if (reusePort === true) {
    throw new UsageError("INVALID_OPTION", "serve: pass either path or reusePort, not both");
  }
  if (port !== undefined || host !== undefined) {
    const other = port === undefined ? "host" : "port";
    throw new UsageError("INVALID_OPTION", `serve: pass either path or ${other}, not both`);
  }
  checkPath(path);
  return { path, backlog };
}

const DEFAULT_PORT = 8080;

/**
 * The limit of Linux, `net.core.somaxconn`. With the 511 of Node.js, the queue overflows when thousands of
 * clients reconnect at once, and the kernel makes each of them wait for seconds (bench: npm run connections).
 */
const DEFAULT_BACKLOG = 4096;

/** The longest queue that Linux and FreeBSD can count. */
const MAX_BACKLOG = 65_535;

/**
 * The maximum length of a Unix socket path in bytes: the size of `sun_path`, without its final NUL. Node.js
 * truncates longer paths.
 */
const MAX_PATH_BYTES = platform === "darwin" ? 103 : 107;

function checkPath(path: unknown): void {
  if (typeof path !== "string" || path === "" || path.includes("\0")) {
    throw invalidOption("serve", "path", path, "the path of a Unix socket");
  }
  const { length } = Buffer.from(path);
  if (platform === "win32" || length <= MAX_PATH_BYTES) return;
  throw new UsageError(
    "INVALID_OPTION",
    `serve: path has ${length} bytes, more than the ${MAX_PATH_BYTES} of a Unix socket; pass a shorter or relative path`,
  );
}

function checkHost(host: unknown): void {
  if (host === undefined || (typeof host === "string" && host !== "")) return;
  throw invalidOption("serve", "host", host, "an address or host name to listen on");
}

/**
 * Listens on `place`. Replaces a Unix socket on which no process listens any more. Node.js removes the file
 * when the server closes.
 *
 * Rejects with TransportError `LISTEN_FAILED`.
 */
export async function listen(httpServer: Server, place: ListenPlace): Promise<void> {
  if (!("path" in place)) {
    await listenOnPort(httpServer, place);
    return;
  }
  const { path, backlog } = place;
  let error = await tryToListen(httpServer, { path, backlog });
  if (error?.code === "EADDRINUSE") {
    const problem = await removeStaleSocket(path);
    if (problem !== undefined) throw failed(path, problem, error);
    error = await tryToListen(httpServer, { path, backlog });
  }
  if (error !== undefined) throw failed(path, error.message, error);
}

async function listenOnPort(
  httpServer: Server,
  { port, host, reusePort, backlog }: Extract<ListenPlace, { readonly port: number }>,
): Promise<void> {
  const where = `${host ?? "*"}:${port}`;
  const problem = reusePort ? explainNoReusePort(versions.node, RUNTIME_GAPS) : undefined;
  if (problem !== undefined) throw failed(where, problem);
  const error = await tryToListen(httpServer, {
    port,
    backlog,
    ...(host === undefined ? {} : { host }),
    ...(reusePort ? { reusePort } : {}),
  });
  if (error !== undefined) throw portFailed(host, port, error);
}

/** Why a runtime does not support `reusePort`, and what to use instead; undefined if it does. */
export function explainNoReusePort(version: string, gaps: RuntimeGaps): string | undefined {
  if (gaps.reusePort !== undefined) return `${gaps.reusePort}; use node:cluster`;
  if (hasReusePort(version)) return undefined;
  return `Node.js ${version} does not support reusePort; use Node.js 22.12 or newer, or node:cluster`;
}

/** Whether a version of Node.js has the option `reusePort`. Older versions ignore it. */
export function hasReusePort(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12);
}

function tryToListen(
  httpServer: Server,
  options: object,
): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const onListening = (): void => {
      httpServer.off("error", onError);
      resolve(undefined);
    };
    const onError = (error: Error): void => {
      httpServer.off("listening", onListening);
      resolve(error);
    };
    httpServer.once("error", onError);
    httpServer.once("listening", onListening);
    try {
      httpServer.listen(options);
    } catch (error) {
      // The permission models of Node.js and Deno throw at once.
      httpServer.off("listening", onListening);
      httpServer.off("error", onError);
      resolve(error as Error);
    }
  });
}

/** Removes a socket file on which no process listens any more. Returns the reason if it cannot. */
async function removeStaleSocket(path: string): Promise<string | undefined> {
  const found = await statOf(path);
  if (found === undefined) return undefined;
  if (!found.isSocket())
    return "the path is a file that is not a socket; remove it or pass another path";
  const inUse = "another process listens on it; stop that process or pass another path";
  if (!(await isRefused(path))) return inUse;
  const now = await statOf(path);
  // Another process may have replaced the file during the check.
  if (now !== undefined && (now.ino !== found.ino || now.ctimeMs !== found.ctimeMs)) return inUse;
  if (now !== undefined) await unlink(path).catch(() => {});
  return undefined;
}

function statOf(path: string): Promise<Awaited<ReturnType<typeof lstat>> | undefined> {
  return lstat(path).catch(() => undefined);
}

/** Whether connecting fails because no process listens on the socket. */
function isRefused(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.on("connect", () => {
      socket.destroy();
      resolve(false);
    });
    socket.on("error", ({ code }: NodeJS.ErrnoException) => resolve(code === "ECONNREFUSED"));
  });
}

/** The error of `serve` if it cannot listen on a port. */
export function portFailed(
  host: string | undefined,
  port: number,
  error: NodeJS.ErrnoException,
): TransportError {
  return failed(`${host ?? "*"}:${port}`, portProblem(error), error);
}

/** Describes why a server cannot listen on a port, and what to do. */
function portProblem({ code, message }: NodeJS.ErrnoException): string {
  return (code !== undefined && PORT_PROBLEMS[code]) || message;
}

const PORT_PROBLEMS: Readonly<Record<string, string | undefined>> = {
  EADDRINUSE: "the port is already in use; pass another port, or 0 for any free one",
  EACCES: "this user may not listen on the port; pass a port above 1023",
  ENOTSUP: "this system does not support reusePort; use node:cluster",
  ERR_ACCESS_DENIED: "the permission model of Node.js forbids it; start Node.js with --allow-net",
  EADDRNOTAVAIL: "this machine does not have the address; pass another host",
};

function failed(where: string, why: string, cause?: Error): TransportError {
  const options = cause === undefined ? {} : { cause };
  return new TransportError("LISTEN_FAILED", `cannot listen on ${where}: ${why}`, options);
}
