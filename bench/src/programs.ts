import { fileURLToPath } from "node:url";
import type { DialectName } from "./load/dialects.ts";

export type Library = "tideway" | "ws" | "bun" | "deno" | "net" | "http" | "socket.io";

/** A runtime that runs programs of the bench. */
export type Runtime = "node" | "bun" | "deno";

/** A program in `servers/` or `clients/`, which uses one library for one task. */
export interface Program {
  /** The name in tables. */
  readonly name: string;
  readonly library: Library;
  /** Default: the runtime of the library, which is Node.js except for `bun` and `deno`. */
  readonly runtime?: Runtime;
  /** The path of the compiled program in {@link Program.directory}. */
  readonly file: string;
  readonly argv: readonly string[];
  /** Whether it uses two cores. */
  readonly isTwoCore: boolean;
  readonly isTls: boolean;
  /** Whether the load opens its WebSockets over HTTP/2 (RFC 8441). Default: false. */
  readonly isHttp2?: boolean;
  /** The protocol of the application that the load must speak. Default: none. */
  readonly dialect?: DialectName;
  /** The directory of the compiled bench. Default: the directory of this file. */
  readonly directory?: string;
}

/** The server programs with the name `feature`, of all four libraries by default. `ws` is the first. */
export function servers(feature: string, libraries: readonly Library[] = ALL): readonly Program[] {
  return libraries.map((library) => server(library, feature));
}

export function server(library: Library, feature: string, ...argv: readonly string[]): Program {
  return {
    name: nameOf(library),
    library,
    file: `servers/${library}/${feature}.js`,
    argv,
    isTwoCore: false,
    isTls: false,
  };
}

/** A server program of `ws` that imports `tideway/ws` instead. */
export function tidewayWs(feature: string, ...argv: readonly string[]): Program {
  return {
    ...server("ws", feature, ...argv, "tideway/ws"),
    name: "tideway/ws",
    library: "tideway",
  };
}

/**
 * `tideway/server` in a runtime, `tideway/bun` in Bun, the server of the runtime, and `tideway/server` in Node.js.
 */
export function nativeServers(runtime: "bun" | "deno", feature: string): readonly Program[] {
  const tideway = server("tideway", feature);
  return [
    { ...tideway, runtime, name: `tideway in ${nameOf(runtime)}` },
    ...(runtime === "bun"
      ? [{ ...server("tideway", feature, "tideway/bun"), runtime, name: "tideway/bun" }]
      : []),
    server(runtime, feature),
    { ...tideway, name: "tideway in Node.js" },
  ];
}

/** The runtime that runs a program. */
export function runtimeOf({ library, runtime }: Program): Runtime {
  return runtime ?? (library === "bun" || library === "deno" ? library : "node");
}

/** The client programs with the name `feature`. */
export function clients(feature: string): readonly Program[] {
  return (["ws", "tideway", "bun"] as const).map((library) => client(library, feature));
}

export function client(library: Library, feature: string, ...argv: readonly string[]): Program {
  return { ...server(library, feature, ...argv), file: `clients/${library}/${feature}.js` };
}

/** The echo servers with TLS, with a certificate for localhost. */
export function tlsServers(): readonly Program[] {
  return ALL.map((library) => ({
    ...server(library, "tls", certificate("localhost.crt"), certificate("localhost.key")),
    isTls: true,
  }));
}

/** The echo server of this package with TLS, over HTTP/1.1 and over HTTP/2. */
export function http2Servers(): readonly Program[] {
  const overHttp1 = tlsServers().find(({ library }) => library === "tideway")!;
  return [
    { ...overHttp1, name: "tideway, HTTP/1.1" },
    { ...overHttp1, name: "tideway, HTTP/2", isHttp2: true },
  ];
}

/** The echo servers in two processes on one port, with `node:cluster` or `reusePort` of Bun. */
export function twoCoreServers(): readonly Program[] {
  return ALL.map((library) => ({
    ...(library === "bun"
      ? server(library, "two-processes")
      : { ...server(library, "echo", `${library}/echo.js`), file: "servers/cluster.js" }),
    isTwoCore: true,
  }));
}

/** This package in one process, and in two processes on one port. */
export function scalingServers(): readonly Program[] {
  const echo = server("tideway", "echo");
  const two = { ...echo, isTwoCore: true };
  return [
    echo,
    {
      ...two,
      name: "two workers of node:cluster",
      file: "servers/cluster.js",
      argv: ["tideway/echo.js"],
    },
    // Older versions of Node.js do not have the option.
    ...(HAS_REUSE_PORT
      ? [{ ...two, name: "two with reusePort", file: "servers/tideway/reuse-port.js" }]
      : []),
  ];
}

const HAS_REUSE_PORT = Number(process.versions.node.split(".", 1)[0]) >= 24;

const ALL: readonly Library[] = ["ws", "tideway", "bun", "net"];

/** The name of a library in tables and charts. */
export function nameOf(library: Library): string {
  return NAMES[library];
}

const NAMES: Readonly<Record<Library, string>> = {
  ws: "ws",
  tideway: "tideway",
  bun: "Bun",
  deno: "Deno",
  net: "bare net",
  http: "node:http",
  "socket.io": "Socket.IO",
};

function certificate(name: string): string {
  return fileURLToPath(new URL(`../../test/support/certificates/${name}`, import.meta.url));
}
