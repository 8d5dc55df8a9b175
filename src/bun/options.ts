import { invalidOption } from "../errors/check-options.ts";
import { UsageError } from "../errors/index.ts";
import { isRecord, withoutUndefined } from "../errors/record.ts";
import { DEFAULT_MAX_MESSAGE_BYTES } from "../protocol/endpoint.ts";
import type { ApplicationOptions } from "../server/options/application-options.ts";
import { checkOptions } from "../server/options/check-options.ts";
import type { Route } from "../server/routes/routes.ts";

/** The certificate of a server. */
export interface BunTlsOptions {
  /** The certificate chain in PEM. */
  readonly cert: string | Uint8Array;
  /** The private key in PEM. */
  readonly key: string | Uint8Array;
  /** The passphrase of the key. Default: the key is not encrypted. */
  readonly passphrase?: string;
}

/**
 * Options of `serve`: the options of `tideway/server` that `Bun.serve` offers. Routes cannot have the option
 * `compression`.
 */
export interface BunServeOptions extends Omit<ApplicationOptions, "compression"> {
  /** The port to listen on, from 0 to 65535; 0 selects a free port. Default: 8080. */
  readonly port?: number;
  /** The address or host name to listen on. Default: all addresses of this machine. */
  readonly host?: string;
  /**
   * Whether other processes may listen on the same port. Each process sets this option, and the kernel spreads the
   * connections over them. Needs Linux. Default: `false`.
   */
  readonly reusePort?: boolean;
  /** With a certificate and a key, the server uses TLS. Default: no TLS. */
  readonly tls?: BunTlsOptions;
}

/** The routes without their inferred types. */
export type AnyRoutes = Readonly<Record<string, Route>>;

/** The part of a route that is read here. */
interface RouteOptions {
  readonly compression?: unknown;
  readonly maxMessageBytes?: number;
}

const MISSING: readonly string[] = ["backlog", "compression", "fastPaths", "http2", "path"];

/**
 * Checks the options that differ from `tideway/server`.
 *
 * @throws UsageError `INVALID_OPTION`, `UNSUPPORTED`
 */
export function checkBunOptions(options: object): void {
  checkOptions("serve", options);
  const { routes, tls } = options as { readonly routes: unknown; readonly tls?: unknown };
  for (const name of Object.keys(withoutUndefined(options)))
    if (MISSING.includes(name)) throw notOffered(name);
  if (optionsOf(routes).some(({ compression = false }) => compression !== false)) {
    throw notOffered("compression");
  }
  if (tls !== undefined) checkTls(tls);
}

/** The largest `maxMessageBytes` of all routes, because Bun has one limit for a server. */
export function largestMessageBytes(options: ApplicationOptions, routes: AnyRoutes): number {
  const { maxMessageBytes: usual = DEFAULT_MAX_MESSAGE_BYTES } = options;
  const limits = optionsOf(routes).map(({ maxMessageBytes = usual }) => maxMessageBytes);
  return Math.min(Math.max(usual, ...limits), MAX_BUN_BYTES);
}

/** Bun reads the limit as a signed 32-bit integer. */
const MAX_BUN_BYTES = 0x7fff_ffff;

const TLS_NAMES: readonly string[] = ["cert", "key", "passphrase"];

function checkTls(tls: unknown): void {
  if (!isRecord<BunTlsOptions>(tls)) {
    throw invalidOption("serve", "tls", tls, "an object with cert and key");
  }
  // An unknown name may be a check of clients, which must not be left out.
  for (const name of Object.keys(withoutUndefined(tls)))
    if (!TLS_NAMES.includes(name)) throw notOffered(`tls.${name}`);
  if (tls.cert !== undefined && tls.key !== undefined) return;
  throw new UsageError("INVALID_OPTION", "serve: tls has no certificate; pass cert and key");
}

function notOffered(name: string): UsageError {
  return new UsageError(
    "UNSUPPORTED",
    `serve: Bun.serve does not offer ${name}; leave it out, or import serve from "tideway/server"`,
  );
}

/** The routes that are objects of options. The route table refuses invalid ones. */
function optionsOf(routes: unknown): readonly RouteOptions[] {
  return isRecord<Record<string, RouteOptions>>(routes)
    ? Object.values(routes).filter(isRecord<RouteOptions>)
    : [];
}
