import { checkHeartbeat } from "../connection/heartbeat.ts";
import { checkFunction, checkInteger, checkNames, invalidOption } from "../errors/check-options.ts";
import { UsageError } from "../errors/index.ts";
import {
  type CompressionOptions,
  type DeflateSettings,
  resolveCompression,
} from "../protocol/deflate/index.ts";
import { isFieldValue, isToken } from "../protocol/handshake/index.ts";
import { isRecord } from "../errors/record.ts";
import type { CreateConnection } from "./connection-target.ts";

/** A certificate, key or bundle: PEM text, or PEM or DER bytes. */
export type TlsMaterial = string | Uint8Array;

/** The TLS settings of a `wss:` connection. Certificates are checked by default. */
export interface TlsOptions {
  /** Certificate authorities to trust instead of the runtime's own list. */
  readonly ca?: TlsMaterial | readonly TlsMaterial[];
  /** The client's certificate chain, for a server that asks for one. */
  readonly cert?: TlsMaterial | readonly TlsMaterial[];
  /** The private key of `cert`. */
  readonly key?: TlsMaterial;
  /** The passphrase of `key`. */
  readonly passphrase?: string;
  /** The server's name, for SNI and the check of its certificate. Default: the URL's host. */
  readonly servername?: string;
  /**
   * `false` accepts any certificate. DANGER: an attacker on the network can then read and change
   * everything, as with `ws:`. For a self-signed certificate, pass it as `ca` instead. Default: `true`.
   */
  readonly rejectUnauthorized?: boolean;
}

/** When a client in Node.js pings a silent server, and when it drops the connection. */
export interface PingHeartbeatOptions {
  /** Milliseconds without activity after which a ping is sent; default 30,000. */
  readonly idleMs?: number;
  /** Milliseconds without activity after a ping until the connection is dropped; default 20,000. */
  readonly timeoutMs?: number;
}

/**
 * The options of `new WebSocket`, an extension of the standard. Pass them as the third argument, or as the
 * second argument instead of the subprotocols. An unknown option throws.
 *
 * In a browser, `headers`, `tls`, `signal` and `createConnection` throw too. `compression`,
 * `maxMessageBytes`, `handshakeTimeoutMs`, `closeTimeoutMs` and `heartbeat` have no effect in a browser,
 * which controls these itself.
 */
export interface WebSocketOptions {
  /** The subprotocols to offer, in order of preference. Default: none. */
  readonly protocols?: string | readonly string[];
  /**
   * Further header fields of the opening handshake, such as `authorization`. `host` replaces the host of the
   * URL, and `authorization` the user and password of the URL. The fields of the handshake itself cannot be
   * set. In a browser this option throws, because pages cannot set header fields of a WebSocket handshake.
   */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * The maximum size in bytes of a received message, after decompression. A larger message fails the
   * connection with 1009, before memory is allocated for it. Default: 16,777,216 (16 MiB).
   */
  readonly maxMessageBytes?: number;
  /**
   * How long the client may take to connect, in milliseconds: name lookup, TCP, TLS and the opening
   * handshake. Default: 10,000.
   */
  readonly handshakeTimeoutMs?: number;
  /**
   * How long the server may take to answer a Close frame, in milliseconds, before the connection is dropped.
   * Default: 5,000.
   */
  readonly closeTimeoutMs?: number;
  /**
   * Whether to offer permessage-deflate (RFC 7692) to the server, and how to compress if it agrees. No
   * effect in a browser. Default: `true`, as browsers do.
   */
  readonly compression?: boolean | CompressionOptions;
  /**
   * When to ping a silent server; `{}` for the default times. Default: `false`, as in a browser. Then the
   * client notices a lost server only when it sends.
   */
  readonly heartbeat?: PingHeartbeatOptions | false;
  /**
   * Aborts the opening handshake; has no effect once the connection is open. The `error` event has an error
   * with the code ABORTED. Its `cause` is the signal's reason. In a browser this option throws.
   */
  readonly signal?: AbortSignal;
  /**
   * Opens the byte stream to the server, instead of a TCP connection to its host and port. Use it to connect
   * through a proxy (`httpProxy`, `proxyFromEnvironment`), from a local address, or with another name lookup.
   *
   * Return a stream without TLS: for `wss:` the client adds TLS, even if the stream is encrypted already. If
   * the function throws or rejects, its error is the `cause` of the error in the `error` event. A stream that
   * arrives after the attempt has ended is destroyed. In a browser this option throws.
   *
   * ```ts
   * const socket = new WebSocket(url, {
   *   createConnection: (target) => net.connect({ ...target, localAddress: "192.0.2.7" }),
   * });
   * ```
   */
  readonly createConnection?: CreateConnection;
  /** The TLS settings of a `wss:` connection. In a browser this option throws. */
  readonly tls?: TlsOptions;
}

/** The options, with all defaults filled in. */
export interface ResolvedOptions extends Omit<WebSocketOptions, "compression"> {
  /** Undefined if the client offers no compression. */
  readonly compression: DeflateSettings | undefined;
}

/** The default of `maxMessageBytes`. Higher than the server's, because a client chooses its server. */
export const DEFAULT_MAX_MESSAGE_BYTES: number = 16 * 1024 * 1024;
const DEFAULT_HANDSHAKE_TIMEOUT_MS = 10_000;
const DEFAULT_CLOSE_TIMEOUT_MS = 5_000;

const NAMES: Readonly<Record<keyof WebSocketOptions, true>> = {
  protocols: true,
  headers: true,
  maxMessageBytes: true,
  handshakeTimeoutMs: true,
  closeTimeoutMs: true,
  compression: true,
  heartbeat: true,
  signal: true,
  createConnection: true,
  tls: true,
};

/** Advice for the options of `ws` that have another name in this package. */
const ADVICE: Readonly<Record<string, string>> = {
  agent: "pass createConnection instead",
  auth: "pass headers.authorization instead",
  ca: "pass tls.ca instead",
  cert: "pass tls.cert instead",
  handshakeTimeout: "pass handshakeTimeoutMs instead",
  key: "pass tls.key instead",
  localAddress: "pass createConnection instead",
  lookup: "pass createConnection instead",
  maxPayload: "pass maxMessageBytes instead",
  origin: "pass headers.origin instead",
  passphrase: "pass tls.passphrase instead",
  perMessageDeflate: "pass compression instead",
  protocol: "pass protocols instead",
  rejectUnauthorized: "pass tls.rejectUnauthorized instead",
  servername: "pass tls.servername instead",
  socketPath: "pass a URL such as ws+unix:/path/of/the.sock:/path instead",
};

/** @throws UsageError `INVALID_OPTION` for an option that does not exist */
export function checkOptionNames(options: object): void {
  checkNames("WebSocket", options, Object.keys(NAMES), { advice: ADVICE });
}

/** Checks the options, and fills in the defaults. @throws UsageError `INVALID_OPTION` */
export function withDefaults(options: WebSocketOptions): ResolvedOptions {
  const {
    maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES,
    handshakeTimeoutMs = DEFAULT_HANDSHAKE_TIMEOUT_MS,
    closeTimeoutMs = DEFAULT_CLOSE_TIMEOUT_MS,
    compression = true,
  } = options;
  const limits = { maxMessageBytes, handshakeTimeoutMs, closeTimeoutMs };
  for (const [name, value] of Object.entries(limits)) checkInteger("WebSocket", name, value);
  checkHeartbeat("WebSocket", options.heartbeat);
  checkSignal(options.signal);
  checkFunction("WebSocket", "createConnection", options.createConnection);
  const { headers = {}, tls = {} } = options;
  checkSecrets("headers", headers, "an object of strings");
  checkSecrets("tls", tls, "an object of options");
  checkTls(tls);
  checkHeaders(headers);
  return {
    ...options,
    ...limits,
    compression: resolveCompression(compression, "dedicated", "WebSocket"),
  };
}

/**
 * The names in `TlsOptions`, each with the type of its value; undefined if Node.js checks the value when it
 * parses it.
 */
const TLS_TYPES: Readonly<Record<keyof TlsOptions, string | undefined>> = {
  ca: undefined,
  cert: undefined,
  key: undefined,
  passphrase: "string",
  servername: "string",
  rejectUnauthorized: "boolean",
};

/** Further options of `tls.connect` of Node.js, which are passed on without a check. */
const OTHER_TLS_NAMES =
  /^(pfx|crl|ciphers|ecdhCurve|sigalgs|dhparam|minDHSize|(min|max)Version|secure(Context|Options|Protocol)|session|sessionTimeout|checkServerIdentity|pskCallback|privateKey(Engine|Identifier)|clientCertEngine|requestOCSP|enableTrace|allowPartialTrustChain)$/;

function checkTls(tls: object): void {
  for (const [name, value] of Object.entries(tls)) {
    if (OTHER_TLS_NAMES.test(name)) continue;
    if (!Object.hasOwn(TLS_TYPES, name)) {
      throw new UsageError("INVALID_OPTION", `WebSocket: there is no option tls.${name}`);
    }
    const type = TLS_TYPES[name as keyof TlsOptions];
    if (type === undefined || value === undefined || typeof value === type) continue;
    // The message does not contain the value, which may be a passphrase.
    throw new UsageError("INVALID_OPTION", `WebSocket: tls.${name} must be a ${type}`);
  }
}

/** The message does not contain the value, which may be a secret. */
function checkSecrets(name: string, value: unknown, expected: string): void {
  if (isRecord(value)) return;
  throw new UsageError("INVALID_OPTION", `WebSocket: ${name} must be ${expected}`);
}

function checkSignal(signal: unknown): void {
  if (signal === undefined) return;
  // Checked by its properties, because an emulated DOM has its own AbortSignal class.
  const { aborted, addEventListener } = (signal ?? {}) as Partial<AbortSignal>;
  if (typeof aborted === "boolean" && typeof addEventListener === "function") return;
  throw invalidOption("WebSocket", "signal", signal, "an AbortSignal");
}

function checkHeaders(headers: Readonly<Record<string, unknown>>): void {
  const known = new Set<string>();
  for (const [name, value] of Object.entries(headers)) {
    checkHeader(name, value);
    // If a request had two `authorization` headers, for example, a server might use either of them.
    const key = name.toLowerCase();
    if (known.has(key)) {
      throw new UsageError(
        "INVALID_OPTION",
        `WebSocket: headers has ${key} more than once; header names are case-insensitive`,
      );
    }
    known.add(key);
  }
}

/** RFC 9110 5.1 and 5.5. With other characters, a name or value could add header fields. */
function checkHeader(name: string, value: unknown): void {
  if (!isToken(name)) {
    throw new UsageError(
      "INVALID_OPTION",
      `WebSocket: headers has ${JSON.stringify(name)}, which is not a valid header name`,
    );
  }
  if (typeof value !== "string" || !isFieldValue(value)) {
    throw new UsageError(
      "INVALID_OPTION",
      `WebSocket: the value of the header ${name} must be a string without control characters or characters above U+00FF`,
    );
  }
}
