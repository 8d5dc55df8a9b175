/// <reference types="node" preserve="true" />
import { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { PassThrough } from "node:stream";
import { UsageError } from "../../errors/index.ts";
import type { AuthorizeContext } from "../../server/routes/upgrade-contexts.ts";
import { isResponse } from "../../server/routes/is-response.ts";
import { CapturedResponse } from "./captured-response.ts";

/** Connect middleware, such as `express-session` or the middleware of Express. */
export type Middleware<NodeRequest extends IncomingMessage> = (
  request: NodeRequest,
  // `never`, because each framework has its own subclass of the response.
  response: never,
  next: (error?: unknown) => void,
) => unknown;

/**
 * Runs Connect middleware in `authorize`, such as session middleware. Then calls `decide` with the request
 * that the middleware has prepared, and returns the result of `decide`.
 *
 * After `decide`, the middleware's response ends, so that session middleware saves its session. Headers that
 * the middleware sets, such as `Set-Cookie`, are sent with the 101 response, or with the `Response` that
 * `decide` returns. If the middleware answers the request itself, the result is that answer as a `Response`,
 * and `decide` is not called. Rejects if the middleware throws or passes an error to `next`, and if the
 * client disconnects.
 *
 * The request is an `IncomingMessage` without a body. It does not have the methods and properties that a
 * framework adds to its requests.
 *
 * @param middleware one function, or several to run in order
 * @param request the first argument of `authorize`
 * @param context the second argument of `authorize`
 * @param decide returns the result of `authorize`
 * @example
 * ```ts
 * authorize: (request: Request, context: AuthorizeContext<object>) =>
 *   withMiddleware(session, request, context, ({ session: { user } }) =>
 *     user === undefined ? new Response("Log in first.", { status: 401 }) : { user },
 *   ),
 * ```
 *
 * @throws UsageError `INVALID_OPTION` if one of `middleware`, or `decide`, is not a function
 */
export async function withMiddleware<NodeRequest extends IncomingMessage, Result>(
  middleware: Middleware<NodeRequest> | ReadonlyArray<Middleware<NodeRequest>>,
  request: Request,
  context: Pick<AuthorizeContext<unknown>, "url" | "remoteAddress" | "responseHeaders">,
  decide: (request: NodeRequest) => Result | Promise<Result>,
): Promise<Result | Response> {
  const functions = [middleware].flat();
  if (![...functions, decide].every((one) => typeof one === "function")) {
    throw new UsageError(
      "INVALID_OPTION",
      "withMiddleware: the first argument must be a function or a list of functions, and the last argument must be a function",
    );
  }
  const run = new MiddlewareRun(toNodeRequest(request, context) as NodeRequest, request.signal);
  for (const one of functions) {
    await run.call(one);
    if (run.isEnded) return run.response.toResponse();
  }
  const result = await run.race(decide(run.request));
  await run.end();
  const { fields } = run.response;
  if (isResponse(result)) return withFields(result, fields);
  for (const [name, value] of fields) context.responseHeaders.append(name, value);
  return result;
}

/** Runs middleware for one request. */
class MiddlewareRun<NodeRequest extends IncomingMessage> {
  readonly request: NodeRequest;
  readonly response: CapturedResponse;
  isEnded = false;
  readonly #failed: Promise<never>;
  #fail!: (error: unknown) => void;
  #onEnded: () => void = () => {};

  constructor(request: NodeRequest, signal: AbortSignal) {
    this.request = request;
    this.response = new CapturedResponse(request, () => {
      this.isEnded = true;
      this.#onEnded();
    });
    this.#failed = new Promise<never>((_resolve, reject) => (this.#fail = reject));
    // A late error must not become an unhandled rejection.
    this.#failed.catch(() => {});
    signal.addEventListener("abort", () => this.#fail(signal.reason), { once: true });
  }

  /** Calls `middleware`. Resolves when it calls `next` or ends the response. */
  async call(middleware: Middleware<NodeRequest>): Promise<void> {
    const passed = new Promise<void>((resolve) => {
      this.#onEnded = resolve;
      const next = (error?: unknown): void => {
        if (error === undefined || error === null) resolve();
        else this.#fail(error);
      };
      const returned = (middleware as (...args: unknown[]) => unknown)(
        this.request,
        this.response,
        next,
      );
      Promise.resolve(returned).catch(this.#fail);
    });
    await this.race(passed);
  }

  /** Ends the response. Middleware may delay the end until it has stored its session. */
  async end(): Promise<void> {
    const ended = new Promise<void>((resolve) => (this.#onEnded = resolve));
    if (!this.isEnded) {
      this.response.end();
      await this.race(ended);
    }
    // If a session cannot be saved, middleware calls `next` in a turn of the event loop after the end.
    await this.race(new Promise((resolve) => setImmediate(resolve)));
  }

  race<T>(work: T | Promise<T>): Promise<T> {
    return Promise.race([work, this.#failed]);
  }
}

function toNodeRequest(
  { method, headers }: Request,
  { url, remoteAddress }: Pick<AuthorizeContext<unknown>, "url" | "remoteAddress">,
): IncomingMessage {
  // Middleware reads `encrypted` to check for a secure connection. Here, it depends on the URL that the
  // client requested.
  const connection = { remoteAddress, encrypted: url.protocol === "https:" };
  const nodeRequest = new IncomingMessage(
    Object.assign(new PassThrough(), connection) as unknown as Socket,
  );
  const path = url.pathname + url.search;
  nodeRequest.method = method;
  nodeRequest.url = path;
  nodeRequest.httpVersion = "1.1";
  nodeRequest.headers = { host: url.host, ...Object.fromEntries(headers) };
  nodeRequest.rawHeaders = Object.entries(nodeRequest.headers).flat() as string[];
  nodeRequest.complete = true;
  nodeRequest.push(null);
  return Object.assign(nodeRequest, { originalUrl: path });
}

function withFields(
  response: Response,
  fields: ReadonlyArray<readonly [name: string, value: string]>,
): Response {
  const headers = new Headers(response.headers);
  for (const [name, value] of fields) {
    if (name === "set-cookie" || !response.headers.has(name)) headers.append(name, value);
  }
  const { status, statusText, body } = response;
  return new Response(body, { status, statusText, headers });
}
