import { fileURLToPath } from "node:url";

export type Library = "tideway" | "ws" | "bun" | "net" | "http";

/** A program under `servers/` or `clients/`: one library doing one thing. */
export interface Program {
  /** How it is called in tables. */
  readonly name: string;
  readonly library: Library;
  /** Its path, compiled, below {@link Program.directory}. */
  readonly file: string;
  readonly argv: readonly string[];
  /** Whether it uses two cores. */
  readonly isTwoCore: boolean;
  readonly isTls: boolean;
  /** Where the compiled bench lies whose program this is; default: here. */
  readonly directory?: string;
}

/** The server programs called `feature` of all four libraries, those of `ws` first. */
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

/** The client programs called `feature`. */
export function clients(feature: string): readonly Program[] {
  return (["ws", "tideway", "bun"] as const).map((library) => client(library, feature));
}

export function client(library: Library, feature: string, ...argv: readonly string[]): Program {
  return { ...server(library, feature, ...argv), file: `clients/${library}/${feature}.js` };
}

/** The servers that end TLS, with a certificate for the loopback. */
export function tlsServers(): readonly Program[] {
  return ALL.map((library) => ({
    ...server(library, "tls", certificate("localhost.crt"), certificate("localhost.key")),
    isTls: true,
  }));
}

/** The echo servers in two processes on one port: by `node:cluster`, or by what Bun has for it. */
export function twoCoreServers(): readonly Program[] {
  return ALL.map((library) => ({
    ...(library === "bun"
      ? server(library, "two-processes")
      : { ...server(library, "echo", `${library}/echo.js`), file: "servers/cluster.js" }),
    isTwoCore: true,
  }));
}

const ALL: readonly Library[] = ["ws", "tideway", "bun", "net"];

/** How a library is called in tables and charts. */
export function nameOf(library: Library): string {
  return NAMES[library];
}

const NAMES: Readonly<Record<Library, string>> = {
  ws: "ws",
  tideway: "tideway",
  bun: "Bun",
  net: "bare net",
  http: "node:http",
};

function certificate(name: string): string {
  return fileURLToPath(new URL(`../../test/support/certificates/${name}`, import.meta.url));
}
