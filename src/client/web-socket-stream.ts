import { CloseCode } from "../errors/close-code.ts";
import type { CloseInfo, Connection } from "../connection/connection.ts";
import { HandshakeError, type TidewayError } from "../errors/index.ts";
import { ConnectionStreams } from "./connection-streams.ts";
import type { ConnectAttempt, Connector } from "./connector.ts";
import { checkOptionNames, type WebSocketOptions, withDefaults } from "./options.ts";
import { exposeInterface } from "./web-idl.ts";
import { parseProtocols, parseUrl } from "./web-socket-arguments.ts";
import {
  connectionError,
  readCloseInfo,
  toDictionary,
  type WebSocketCloseInfo,
  type WebSocketError,
} from "./web-socket-error.ts";
import type {
  WebSocketOpenInfo,
  WebSocketStreamConstructor,
  WebSocketStreamOptions,
} from "./web-socket-stream-interface.ts";

/**
 * Creates the `WebSocketStream` class (WHATWG WebSockets, pull request 48).
 *
 * @param afterFlush calls back once the messages of the current turn of the event loop have been written
 */
export function defineWebSocketStream(
  connect: Connector,
  afterFlush: (callback: () => void) => void,
): WebSocketStreamConstructor {
  class WebSocketStream {
    readonly #url: URL;
    readonly #opened = createDeferred<WebSocketOpenInfo>();
    readonly #closed = createDeferred<Required<WebSocketCloseInfo>>();
    readonly #signal: AbortSignal | undefined;
    #attempt: ConnectAttempt | undefined;
    #streams: ConnectionStreams | undefined;

    constructor(url: string | URL, options: WebSocketStreamOptions = {}) {
      if (arguments.length === 0) throw new TypeError("a WebSocketStream needs a url");
      const { protocols, signal, ...rest } = readOptions(options);
      this.#url = parseUrl(url);
      const request = {
        url: new URL(this.#url),
        protocols: parseProtocols(protocols),
        options: withDefaults(rest),
      };
      this.#signal = signal;
      if (signal?.aborted === true) {
        this.#fail(signal.reason);
        return;
      }
      this.#attempt = connect(request, {
        onOpen: (connection, readHeaders) => this.#established(connection, readHeaders),
        onFailed: (error) => this.#fail(failure(error)),
      });
      // Added last, so that no listener remains if `connect` throws because of the options.
      signal?.addEventListener("abort", this.#onAbort);
    }

    get url(): string {
      return this.#url.href;
    }

    // Web IDL: on an object of another class, a getter that returns a promise rejects instead of throwing.
    get opened(): Promise<WebSocketOpenInfo> {
      return #opened in this ? this.#opened.promise : illegalInvocation();
    }

    get closed(): Promise<Required<WebSocketCloseInfo>> {
      return #closed in this ? this.#closed.promise : illegalInvocation();
    }

    // A default value instead of an optional parameter, so that `length` counts only required parameters, as
    // in Web IDL.
    close(info: WebSocketCloseInfo | undefined = undefined): void {
      const close = readCloseInfo(info);
      if (this.#streams !== undefined) this.#streams.close(close);
      else if (this.#attempt !== undefined) {
        this.#attempt.abort();
        const message = "close was called before the connection was open";
        this.#fail(failure(new HandshakeError("ABORTED", message)));
      }
    }

    #established(connection: Connection, readHeaders?: () => Headers): void {
      this.#endAttempt();
      const streams = new ConnectionStreams(connection, {
        onClosed: (info, error) => this.#ended(info, error),
        afterFlush,
      });
      this.#streams = streams;
      const { readable, writable } = streams;
      const { extensions, protocol } = connection;
      const responseHeaders = readHeaders?.();
      this.#opened.resolve({
        readable,
        writable,
        extensions,
        protocol,
        ...(responseHeaders !== undefined && { responseHeaders }),
      });
    }

    #ended({ code, reason }: CloseInfo, error: WebSocketError | undefined): void {
      if (error === undefined) this.#closed.resolve({ closeCode: code, reason });
      else this.#closed.reject(error);
    }

    readonly #onAbort = (): void => {
      this.#attempt?.abort();
      this.#fail(this.#signal!.reason);
    };

    /** The attempt has failed. */
    #fail(reason: unknown): void {
      this.#endAttempt();
      this.#opened.reject(reason);
      this.#closed.reject(reason);
    }

    #endAttempt(): void {
      this.#attempt = undefined;
      this.#signal?.removeEventListener("abort", this.#onAbort);
    }

    static {
      exposeInterface(this, {}, "WebSocketStream");
    }
  }
  return WebSocketStream;
}

interface ReadOptions extends Omit<WebSocketOptions, "signal"> {
  readonly signal: AbortSignal | undefined;
}

/** Web IDL's conversion to `WebSocketStreamOptions`. @throws TypeError */
function readOptions(argument: unknown): ReadOptions {
  const { protocols, signal, ...rest } = toDictionary<WebSocketStreamOptions>(argument);
  checkOptionNames(rest);
  if (
    protocols !== undefined &&
    !(Object(protocols) === protocols && Symbol.iterator in protocols)
  ) {
    throw new TypeError("WebSocketStream: protocols must be a list of strings");
  }
  // Checked by its properties, because an emulated DOM has its own AbortSignal class.
  const { aborted, addEventListener } = Object(signal) as Partial<AbortSignal>;
  if (signal !== undefined && !(typeof aborted === "boolean" && addEventListener)) {
    throw new TypeError("WebSocketStream: signal must be an AbortSignal");
  }
  return { ...rest, protocols: [...(protocols ?? [])], signal };
}

function failure(error: TidewayError): WebSocketError {
  return connectionError(error.message, { code: CloseCode.Abnormal, reason: "", error });
}

function illegalInvocation(): Promise<never> {
  return Promise.reject(new TypeError("Illegal invocation"));
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(reason: unknown): void;
}

/** A promise with the functions that settle it. A rejection without a handler does not count as unhandled. */
function createDeferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((...settle) => ([resolve, reject] = settle));
  promise.catch(() => {});
  return { promise, resolve, reject };
}
