export interface Settings {
  /** 0 takes a free port. */
  readonly port: number;
  /** Absent for all addresses of this machine. */
  readonly host?: string;
}

const DEFAULT_PORT = 8080;

/** A setting that cannot be used; the message is for the person who made it. */
export class SettingsError extends Error {}

/** Reads `PORT` and `HOST`. @throws SettingsError */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const { PORT: port = "", HOST: host = "" } = environment;
  return { port: readPort(port), ...(host === "" ? {} : { host }) };
}

function readPort(text: string): number {
  if (text === "") return DEFAULT_PORT;
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new SettingsError(
    `PORT is ${JSON.stringify(text)}, which is not a whole number from 0 to 65535.`,
  );
}

/** Where a browser on this machine finds a server that listens so. */
export function urlOf(port: number, host = "localhost"): string {
  const isEverywhere = host === "0.0.0.0" || host === "::";
  const name = isEverywhere ? "localhost" : host.includes(":") ? `[${host}]` : host;
  return `http://${name}:${port}/`;
}

/** Says what went wrong with listening, and what to do about it, where that is known. */
export function explainListenError(error: unknown, { port, host }: Settings): string | undefined {
  switch (codeOf(error)) {
    case "EADDRINUSE":
      return `Port ${port} is taken. Stop what uses it, or choose another: PORT=${port < 65_535 ? port + 1 : 8080} npm start`;
    case "EACCES":
      return `This user may not listen on port ${port}. Choose another: PORT=8080 npm start`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `HOST is ${JSON.stringify(host)}, which is no address of this machine.`;
    default:
      return undefined;
  }
}

/** The code of the error, or of the one that led to it. */
function codeOf(error: unknown): string | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    if ("syscall" in current && "code" in current) return String(current.code);
  }
  return undefined;
}
