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
  /** Whether nothing can be sent any more. */
  isGone(response: Res): boolean;
  /** @param length the length of the body, if `answer` does not have it */
  writeHead(response: Res, answer: Response, length?: number): void;
  /** Returns false if the caller should wait for 'drain'. */
  write(response: Res, chunk: Uint8Array): boolean;
  /** Ends the response with its whole body, which has `length` bytes. */
  endWith(response: Res, body: string | Uint8Array, length: number): void;
}

/** Answers requests in the way of one HTTP version. Has no state. */
export interface HttpVersion<
  Req extends NodeRequest,
  Res extends NodeResponse,
> extends ResponseWriter<Res> {
  /** The `Request` for a handler. Its signal aborts when the client leaves before the response ends. */
  toRequest(request: Req, response: Res, target: RequestTarget, fetch: FetchAccelerator): Request;
  /** Calls `listener` once, when the response has been sent or the client has left. */
  onClose(response: Res, listener: () => void): void;
  /** Resolves when all earlier responses of the connection have been sent; undefined if they have been. */
  whenTurn(response: Res): Promise<void> | undefined;
  /**
   * Adapts the fields of `answer` that concern the connection.
   *
   * @param isLast whether the connection ends after the response
   */
  adapt(response: Res, answer: Response, isLast: boolean): Response;
  /** Answers with a refusal. */
  refuse(response: Res, refusal: HttpRefusal): void;
  /** Cuts off a response that cannot be completed. */
  fail(response: Res): void;
  /** Discards the rest of the request's body after the response. */
  skipBody(request: Req, response: Res): void;
  /** The refusal of a plain request for a `ws:` route. `miss` is the general one (426). */
  requireUpgrade(request: Req, miss: HttpRefusal): HttpRefusal;
}
