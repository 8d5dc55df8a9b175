import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { HttpRefusal } from "../../protocol/handshake/index.ts";
import type { FetchAccelerator } from "./fetch-accelerator.ts";
import type { RequestTarget } from "./request-target.ts";

/** A request of `node:http`, or of the compatibility API of `node:http2`. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;

/** A response of `node:http`, or of the compatibility API of `node:http2`. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/** How one HTTP version sends a response. */
export interface ResponseWriter<Res extends NodeResponse> {
  /** Whether nothing more can be sent. */
  isGone(response: Res): boolean;
  /**
   * @param length the length of the body, if it is known
   * @throws TidewayError `WRONG_CONTENT_LENGTH` if `answer` has another length
   */
  writeHead(response: Res, answer: Response, length?: number): void;
  /** Sends the head now, although no byte of the body follows yet. */
  flushHead(response: Res): void;
  /** Returns false if the caller should wait for 'drain'. */
  write(response: Res, chunk: Uint8Array): boolean;
  /** Sends the whole body, which has `length` bytes, and ends the response. */
  endWith(response: Res, body: string | Uint8Array, length: number): void;
}

/** The way in which one HTTP version answers requests. It has no state. */
export interface HttpVersion<
  Req extends NodeRequest,
  Res extends NodeResponse,
> extends ResponseWriter<Res> {
  /**
   * Creates the `Request` for a handler. Its signal aborts if the client disconnects before the response
   * ends.
   */
  toRequest(request: Req, response: Res, target: RequestTarget, fetch: FetchAccelerator): Request;
  /** Calls `listener` once, when the response has been sent or the client has disconnected. */
  onClose(response: Res, listener: () => void): void;
  /**
   * Resolves when all earlier responses on the connection have been sent. Returns undefined if that has
   * already happened.
   */
  whenTurn(response: Res): Promise<void> | undefined;
  /**
   * Adapts the fields of `answer` that concern the connection.
   *
   * @param isStopping whether the connection ends after the last of its responses
   */
  adapt(response: Res, answer: Response, isStopping: boolean): Response;
  /** Answers with a refusal. */
  refuse(response: Res, refusal: HttpRefusal): void;
  /** Cuts off a response that cannot be completed. */
  fail(response: Res): void;
  /** Discards the rest of the request's body after the response. */
  skipBody(request: Req, response: Res): void;
  /**
   * Returns the refusal for an ordinary request to a `ws:` route. `miss` is the refusal for any HTTP version
   * (426).
   */
  requireUpgrade(request: Req, miss: HttpRefusal): HttpRefusal;
}
