import { type ParseArgsConfig, parseArgs } from "node:util";

/** Invalid arguments. The message is for the user who passed them. */
export class ArgumentError extends Error {}

export interface ServerArguments {
  /** 0 for any free port. */
  readonly port: number;
  /** Absent for all addresses of this machine. */
  readonly host?: string;
  /** Whether clients that offer compression get it. */
  readonly compression: boolean;
  /** Absent for the library's default. */
  readonly maxMessageBytes?: number;
}

export interface ClientArguments {
  /** The URL of the suite; its path ends in a slash. */
  readonly url: URL;
  /** Whether to offer compression. */
  readonly compression: boolean;
  /** Absent for the library's default. */
  readonly maxMessageBytes?: number;
}

const COMMON_OPTIONS = {
  deflate: { type: "boolean" },
  "max-message-bytes": { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

/** The output of `--help` of the server. */
export const SERVER_HELP = `Usage: npm run echo -- [options]

A WebSocket server that sends every message back, at any path.

  --port N                the port to listen on; 0 for any free port (default 8080)
  --host H                the address to listen on (default: all addresses)
  --deflate               compress, if the client offers it (RFC 7692)
  --max-message-bytes N   the largest message accepted, in bytes (default 1048576)
  -h, --help`;

/** The output of `--help` of the client. */
export const CLIENT_HELP = `Usage: npm run echo:client -- URL [options]

Runs the cases of a suite that tests WebSocket clients. It requests the number of cases from
URL/getCaseCount, sends every message of each URL/runCase?case=N&agent=tideway back, and requests
the reports with URL/updateReports?agent=tideway.

Example: npm run echo:client -- ws://localhost:9001

  --deflate               offer compression (RFC 7692)
  --max-message-bytes N   the largest message accepted, in bytes (default 16777216)
  -h, --help`;

/** Returns "help" for `--help`. @throws ArgumentError */
export function readServerArguments(args: readonly string[]): ServerArguments | "help" {
  const { values } = parse({
    args: [...args],
    options: { ...COMMON_OPTIONS, port: { type: "string" }, host: { type: "string" } },
  });
  if (values.help === true) return "help";
  const { port = "8080", host } = values;
  return {
    port: readInteger("--port", port, 0, 65_535),
    ...(host === undefined ? {} : { host }),
    ...readCommon(values),
  };
}

/** Returns "help" for `--help`. @throws ArgumentError */
export function readClientArguments(args: readonly string[]): ClientArguments | "help" {
  const { values, positionals } = parse({
    args: [...args],
    options: COMMON_OPTIONS,
    allowPositionals: true,
  });
  if (values.help === true) return "help";
  if (positionals.length !== 1) {
    throw new ArgumentError(
      `${positionals.length} URLs were passed; pass one, the URL of a fuzzing server, such as ` +
        "ws://localhost:9001. --help shows the options.",
    );
  }
  return {
    url: readUrl(positionals[0]),
    ...readCommon(values),
  };
}

function parse<const Config extends ParseArgsConfig>(
  config: Config,
): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new ArgumentError(error instanceof Error ? error.message : String(error));
  }
}

function readCommon(values: {
  readonly deflate?: boolean;
  readonly "max-message-bytes"?: string;
}): Pick<ClientArguments, "compression" | "maxMessageBytes"> {
  const { deflate: compression = false, "max-message-bytes": text } = values;
  if (text === undefined) return { compression };
  const most = Number.MAX_SAFE_INTEGER;
  return { compression, maxMessageBytes: readInteger("--max-message-bytes", text, 1, most) };
}

function readInteger(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new ArgumentError(
    `${name} is ${text}, which is not a whole number from ${least} to ${most}.`,
  );
}

function readUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^(?:ws|http)s?:$/.test(url.protocol)) {
    throw new ArgumentError(
      `${text} is not the URL of a WebSocket server, such as ws://localhost:9001.`,
    );
  }
  url.search = url.hash = "";
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}
