import { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { ConnectionTarget, CreateConnection } from "../../client/connection-target.ts";
import { TidewayError, TransportError, UsageError } from "../../errors/index.ts";

/**
 * Opens the byte stream to `target` by the caller's function. The stream is connected when the promise
 * resolves. When `target.signal` aborts, the promise rejects or its stream is destroyed.
 *
 * Rejects with the `TidewayError` that the function throws, with TransportError `CONNECT_FAILED`
 * for anything else that it throws, and with UsageError `INVALID_CONNECTION` if it returns something
 * else than a stream of bytes.
 */
export async function openStream(
  createConnection: CreateConnection,
  target: ConnectionTarget,
): Promise<Duplex> {
  // From here on this runs in promise jobs, which precede the next tick: a socket that fails there, say
  // for its local address, has a listener by then.
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

/** Also a stream of another implementation of Node's streams. */
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
      stream.errored ?? new Error("createConnection returned a stream that has ended"),
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
    const onClose = (): void => settle(new Error("the socket was closed before it was connected"));
    const onAbort = (): void => settle(new Error("the attempt has ended"));
    signal.addEventListener("abort", onAbort);
    socket.on("connect", onConnect);
    socket.on("error", settle);
    socket.on("close", onClose);
  });
}

/** The error of an attempt whose way to the server cannot be opened. */
export function connectFailed(cause: unknown): TransportError {
  return new TransportError("CONNECT_FAILED", reasonOf(cause), { cause });
}

/** A failure of several addresses at once has no message, but those of its parts. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return `createConnection threw ${describe(cause)}`;
  const parts = cause instanceof AggregateError ? (cause.errors as Error[]) : [];
  const messages = [cause, ...parts].map(({ message }) => message).filter((text) => text !== "");
  return messages.join("; ") || (cause as NodeJS.ErrnoException).code || cause.name;
}

function describe(value: unknown): string {
  if (value === null || typeof value !== "object")
    return typeof value === "string" ? "a string" : String(value);
  return Array.isArray(value) ? "an array" : "an object that is not a stream";
}

function ignore(): void {}
