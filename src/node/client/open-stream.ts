import { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { ConnectionTarget, CreateConnection } from "../../client/connection-target.ts";
import { TidewayError, TransportError, UsageError } from "../../errors/index.ts";

/**
 * Opens the byte stream to `target` with the caller's `createConnection`. Resolves with a connected stream.
 * If `target.signal` aborts before that, the promise rejects, and the stream is destroyed.
 *
 * If `createConnection` throws a `TidewayError`, the promise rejects with that error. For any other thrown
 * value, it rejects with TransportError `CONNECT_FAILED`. It rejects with UsageError `INVALID_CONNECTION` if
 * `createConnection` does not return a stream of bytes.
 */
export async function openStream(
  createConnection: CreateConnection,
  target: ConnectionTarget,
): Promise<Duplex> {
  // After this line, the function runs in promise jobs, which run before the next tick. So if a socket fails
  // in the next tick, for example because of its local address, it has an error listener by then.
  await Promise.resolve();
  const { signal } = target;
  signal.throwIfAborted();
  let stream: unknown;
  try {
    stream = await createConnection(target);
  } catch (cause) {
    throw cause instanceof TidewayError ? cause : connectFailed(cause);
  }
  if (!isStream(stream)) {
    throw new UsageError(
      "INVALID_CONNECTION",
      `createConnection returned ${describe(stream)}; return a Duplex stream, such as a socket of node:net`,
    );
  }
  stream.on("error", ignore);
  try {
    checkUsable(stream);
    if (signal.aborted) throw signal.reason;
    if (stream instanceof Socket && stream.connecting) await whenConnected(stream, signal);
  } catch (error) {
    stream.destroy();
    throw error;
  }
  return stream;
}

const METHODS = ["on", "off", "once", "write", "end", "pause", "resume", "destroy"] as const;

/** Whether `value` is a Duplex, of Node.js or of another implementation such as `readable-stream`. */
function isStream(value: unknown): value is Duplex {
  if (value instanceof Duplex) return true;
  return (
    typeof value === "object" &&
    value !== null &&
    METHODS.every((name) => typeof (value as Partial<Duplex>)[name] === "function")
  );
}

function checkUsable(stream: Duplex): void {
  if (stream.destroyed || stream.writableEnded || stream.readableEnded) {
    throw connectFailed(
      stream.errored ?? endedEarly("createConnection returned a stream that has ended"),
    );
  }
  if (stream.readableObjectMode || stream.writableObjectMode || stream.readableEncoding) {
    const what = stream.readableEncoding ? "of text" : "in object mode";
    throw new UsageError(
      "INVALID_CONNECTION",
      `createConnection returned a stream ${what}; return a stream of bytes`,
    );
  }
}

function whenConnected(socket: Socket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error): void => {
      signal.removeEventListener("abort", onAbort);
      socket.off("connect", onConnect);
      socket.off("error", settle);
      socket.off("close", onClose);
      if (error === undefined) resolve();
      else reject(connectFailed(error));
    };
    const onConnect = (): void => settle();
    const onClose = (): void => settle(endedEarly("the socket was closed before it was connected"));
    const onAbort = (): void => settle(new Error("the attempt to connect has ended"));
    signal.addEventListener("abort", onAbort);
    socket.on("connect", onConnect);
    socket.on("error", settle);
    socket.on("close", onClose);
  });
}

/** An error with a code of Node.js, because the debug log shows only the messages of errors with a code. */
function endedEarly(message: string): Error {
  return Object.assign(new Error(message), { code: "ERR_STREAM_PREMATURE_CLOSE" });
}

/** Creates the error of an attempt that cannot open its stream. */
export function connectFailed(cause: unknown): TransportError {
  return new TransportError("CONNECT_FAILED", reasonOf(cause), { cause });
}

/**
 * Describes a failure. If several addresses failed, the AggregateError has no message, so the messages of its
 * errors are joined.
 */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return `createConnection threw ${describe(cause)}`;
  const parts = cause instanceof AggregateError ? (cause.errors as Error[]) : [];
  const messages = [cause, ...parts].map(messageOf).filter((text) => text !== "");
  return messages.join("; ") || (cause as NodeJS.ErrnoException).code || cause.name;
}

/**
 * Returns the message of an error. For TLS errors, the message says what to do, and leaves out internals of
 * OpenSSL.
 */
function messageOf(error: Error & { code?: unknown; reason?: unknown }): string {
  const { message, code, reason } = error;
  const known = typeof code === "string" ? TLS_MESSAGES.get(code) : undefined;
  if (known !== undefined) return known;
  if (typeof code !== "string") return message;
  if (UNTRUSTED_CODES.has(code)) return `${message}; pass the issuer's certificate as tls.ca`;
  return code.startsWith("ERR_SSL_") && typeof reason === "string" ? `TLS: ${reason}` : message;
}

const NO_TLS = "the server does not speak TLS on this port; pass a ws: URL or another port";

const NO_CERTIFICATE = "the server requires a client certificate; pass tls.cert and tls.key";

const TLS_MESSAGES: ReadonlyMap<string, string> = new Map([
  ["ERR_SSL_WRONG_VERSION_NUMBER", NO_TLS],
  ["ERR_SSL_PACKET_LENGTH_TOO_LONG", NO_TLS],
  ["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", NO_CERTIFICATE],
  // In Bun.
  ["ERR_SSL_TLSV1_ALERT_CERTIFICATE_REQUIRED", NO_CERTIFICATE],
]);

/** Error codes for certificates with an issuer that Node.js does not trust. */
const UNTRUSTED_CODES: ReadonlySet<string> = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

function describe(value: unknown): string {
  if (value === null || typeof value !== "object")
    return typeof value === "string" ? "a string" : String(value);
  return Array.isArray(value) ? "an array" : "an object that is not a stream";
}

function ignore(): void {}
