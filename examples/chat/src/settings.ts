import { parseArgs } from "node:util";

export interface Settings {
  /** 0 for any free port. */
  readonly port: number;
  /** Absent for all addresses of this machine. */
  readonly host?: string;
  /** The URL of the broker that the servers share; absent if this is the only server. */
  readonly broker?: string;
}

const DEFAULT_PORT = 8080;

const USAGE = "npm start -- [--broker redis://host:port | nats://host:port]";

/** An invalid setting. The message is for the user who started the server. */
export class SettingsError extends Error {}

/** Reads `PORT`, `HOST` and `--broker`. @throws SettingsError */
export function readSettings(
  environment: Readonly<Record<string, string | undefined>>,
  args: readonly string[] = [],
): Settings {
  const { PORT: port = "", HOST: host = "" } = environment;
  const { broker } = readArguments(args);
  return {
    port: readPort(port),
    ...(host === "" ? {} : { host }),
    ...(broker === undefined ? {} : { broker }),
  };
}

function readArguments(args: readonly string[]): { readonly broker?: string } {
  try {
    return parseArgs({ args: [...args], options: { broker: { type: "string" } } }).values;
  } catch (error) {
    throw new SettingsError(`${(error as Error).message}\n${USAGE}`, { cause: error });
  }
}

function readPort(text: string): number {
  if (text === "") return DEFAULT_PORT;
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new SettingsError(
    `PORT is ${JSON.stringify(text)}, which is not a whole number from 0 to 65535.`,
  );
}

/** Explains an error of listening and, if known, what to do about it. */
export function explainListenError(error: unknown, { port, host }: Settings): string | undefined {
  const code = codeOf(error);
  if (code === "EADDRINUSE") {
    const other = port < 65_535 ? port + 1 : DEFAULT_PORT;
    return `Port ${port} is in use. Stop the process that uses it, or choose another: PORT=${other} npm start`;
  }
  if (code === "EACCES") {
    return `This user may not listen on port ${port}. Choose another: PORT=${DEFAULT_PORT} npm start`;
  }
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") {
    return `HOST is ${JSON.stringify(host)}, which is not an address of this machine.`;
  }
  return undefined;
}

/** The code of the error or of its cause. */
function codeOf(error: unknown): string | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    if ("syscall" in current && "code" in current) return String(current.code);
  }
  return undefined;
}
