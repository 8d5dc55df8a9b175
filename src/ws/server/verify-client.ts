import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";
import type { TLSSocket } from "node:tls";
import type { Refusal } from "./refusal.ts";
import { type HandshakeRequest, headerOf } from "./request.ts";

/** The handshake that `verifyClient` decides on. */
export interface VerifyClientInfo<Request = IncomingMessage> {
  /** The value of the request's `Origin` header; undefined if there is none. */
  readonly origin: string;
  /** Whether the request came over TLS. */
  readonly secure: boolean;
  readonly req: Request;
}

/**
 * Decides on a handshake. It is accepted if the result is truthy and not an `Error`. If the result is a promise,
 * its value decides.
 */
export type VerifyClientCallbackSync<Request = IncomingMessage> = (
  info: VerifyClientInfo<Request>,
) => boolean | Promise<boolean>;

/**
 * Decides on a handshake with a callback. Only its first call counts. If `result` is false, the client gets
 * the status `code` (default: 401), the body `message` (default: the name of the status) and `headers`.
 */
export type VerifyClientCallbackAsync<Request = IncomingMessage> = (
  info: VerifyClientInfo<Request>,
  callback: VerifyClientDecision,
) => void;

/** Accepts or refuses a handshake. */
export type VerifyClientDecision = (
  result: boolean,
  code?: number,
  message?: string,
  headers?: OutgoingHttpHeaders,
) => void;

/**
 * A `VerifyClientCallbackAsync` if it has two parameters, otherwise a `VerifyClientCallbackSync`. It is one type,
 * so that TypeScript infers the parameters.
 */
export type VerifyClient<Request = IncomingMessage> = (
  info: VerifyClientInfo<Request>,
  callback: VerifyClientDecision,
) => boolean | void | Promise<boolean | void>;

/** The option `verifyClient`, which is a method of the options. */
export interface VerifyOptions {
  readonly verifyClient?: VerifyClient | null | undefined;
}

/** Receives the decision: undefined if the client is accepted, the refusal, or the error that prevented a decision. */
export type DecisionCallback = (decision: Refusal | Error | undefined) => void;

const UNAUTHORIZED: Refusal = { status: 401 };

/** Calls `verifyClient`, and calls `decide` once, in this turn of the event loop or later. */
export function verifyClient(
  options: VerifyOptions,
  request: IncomingMessage,
  { version }: HandshakeRequest,
  decide: DecisionCallback,
): void {
  const { verifyClient: verify } = options;
  if (!verify) {
    decide(undefined);
    return;
  }
  const info = infoOf(request, version);
  const decideOnce = onlyFirst(decide);
  const result: unknown =
    verify.length === 2
      ? verify.call(options, info, decideBy(decideOnce))
      : (verify as VerifyClientCallbackSync).call(options, info);
  if (verify.length !== 2) whenDecided(result, UNAUTHORIZED, decideOnce);
  else if (isThenable(result)) result.then(undefined, (cause) => decideOnce(failure(cause)));
}

/**
 * Calls back with undefined if `result` is truthy and not an `Error`, otherwise with `refusal`. A promise is
 * awaited; if it rejects, the callback gets its error.
 */
export function whenDecided(result: unknown, refusal: Refusal, decide: DecisionCallback): void {
  const decideFor = (value: unknown): void => decide(isAllowing(value) ? undefined : refusal);
  if (!isThenable(result)) {
    decideFor(result);
    return;
  }
  void Promise.resolve(result).then(decideFor, (cause: unknown) => decide(failure(cause)));
}

function failure(cause: unknown): Error {
  return new Error("the promise of verifyClient or shouldHandle was rejected", { cause });
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === "function";
}

function isAllowing(value: unknown): boolean {
  return Boolean(value) && !(value instanceof Error);
}

function infoOf(request: IncomingMessage, version: number): VerifyClientInfo {
  // RFC 6455 uses `Origin`; drafts with version 8 use another name.
  const origin = headerOf(request, version === 8 ? "sec-websocket-origin" : "origin");
  const socket = request.socket as Partial<TLSSocket> | undefined;
  return {
    origin: origin as string,
    secure: Boolean(socket?.authorized || socket?.encrypted),
    req: request,
  };
}

/** The callback of `verifyClient`. */
function decideBy(decide: DecisionCallback): VerifyClientDecision {
  return (result, code, message, headers) => {
    decide(isAllowing(result) ? undefined : { status: Number(code || 401), message, headers });
  };
}

/** Ignores all calls after the first. */
function onlyFirst(decide: DecisionCallback): DecisionCallback {
  let isDecided = false;
  return (decision) => {
    if (isDecided) return;
    isDecided = true;
    decide(decision);
  };
}
