import { type ParseArgsConfig, parseArgs } from "node:util";

/** Arguments that cannot be used; the message is for the person who gave them. */
export class ArgumentError extends Error {}

export interface ServerArguments {
  /** 0 takes a free port. */
  readonly port: number;
  /** Absent for all addresses of this machine. */
  readonly host?: string;
  /** Absent for the library's default. */
  readonly maxMessageBytes?: number;
}

export interface ClientArguments {
  /** Where the suite is; its path ends in a slash. */
  readonly url: URL;
  /** Absent for the library's default. */
  readonly maxMessageBytes?: number;
}

const HELP = { help: { type: "boolean", short: "h" } } as const;
const MESSAGE_LIMIT = { "max-message-bytes": { type: "string" } } as const;

/** What `--help` of the server says. */
export const SERVER_HELP = `Usage: npm run echo -- [options]

A WebSocket server that sends every message back, at any path.

  --port N                the port to listen on; 0 for any that is free (default 8080)
  --host H                the address to listen on (default: all of this machine's)
  --max-message-bytes N   the largest message taken (default 1048576)
  -h, --help`;

/** What `--help` of the client says. */
export const CLIENT_HELP = `Usage: npm run echo:client -- URL [options]

Runs the cases of a suite that tests WebSocket clients. It asks URL/getCaseCount for their number,
sends every message of each /runCase?case=N&agent=tideway back, and ends with
/updateReports?agent=tideway. For example: npm run echo:client -- ws://localhost:9001

  --max-message-bytes N   the largest message taken (default 16777216)
  -h, --help`;

/** "help" if that is asked for. @throws ArgumentError */
export function readServerArguments(args: readonly string[]): ServerArguments | "help" {
  const { values } = parse({
    args: [...args],
    options: { ...HELP, ...MESSAGE_LIMIT, port: { type: "string" }, host: { type: "string" } },
  });
  if (values.help === true) return "help";
  const { port = "8080", host } = values;
  return {
    port: readInteger("--port", port, 0, 65_535),
    ...(host === undefined ? {} : { host }),
    ...readMessageLimit(values["max-message-bytes"]),
  };
}

/** "help" if that is asked for. @throws ArgumentError */
export function readClientArguments(args: readonly string[]): ClientArguments | "help" {
  const { values, positionals } = parse({
    args: [...args],
    options: { ...HELP, ...MESSAGE_LIMIT },
    allowPositionals: true,
  });
  if (values.help === true) return "help";
  if (positionals.length !== 1) {
    throw new ArgumentError(`Name one URL, not ${positionals.length}; --help says more.`);
  }
  return {
    url: readUrl(positionals[0]),
    ...readMessageLimit(values["max-message-bytes"]),
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

function readMessageLimit(text: string | undefined): { readonly maxMessageBytes?: number } {
  if (text === undefined) return {};
  const most = Number.MAX_SAFE_INTEGER;
  return { maxMessageBytes: readInteger("--max-message-bytes", text, 1, most) };
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
      `${text} is no URL of a WebSocket server, such as ws://localhost:9001.`,
    );
  }
  url.search = url.hash = "";
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}
