import {
  type IncomingMessage,
  type OutgoingHttpHeader,
  type OutgoingHttpHeaders,
  ServerResponse,
} from "node:http";
import { isReservedField } from "../../server/requests/response-headers.ts";

type Callback = (error?: Error | null) => void;

/** Statuses of responses without a body (Fetch, "null body status"). */
const NULL_BODY_STATUSES: readonly number[] = [204, 205, 304];

/** A response without a socket, which keeps the output of middleware in memory. */
export class CapturedResponse extends ServerResponse {
  readonly #chunks: Buffer[] = [];
  readonly #onEnd: () => void;

  /** @param onEnd called when the response ends */
  constructor(request: IncomingMessage, onEnd: () => void) {
    super(request);
    this.#onEnd = onEnd;
    this.sendDate = false;
  }

  /** Sets each header field separately, so that `getHeaders` returns it. */
  override writeHead(
    statusCode: number,
    reason?: string | OutgoingHttpHeaders | OutgoingHttpHeader[],
    headers?: OutgoingHttpHeaders | OutgoingHttpHeader[],
  ): this {
    const fields = typeof reason === "object" ? reason : headers;
    for (const [name, value] of pairsOf(fields ?? {})) {
      if (value !== undefined) this.setHeader(name, value);
    }
    return typeof reason === "string"
      ? super.writeHead(statusCode, reason)
      : super.writeHead(statusCode);
  }

  override write(chunk: unknown, ...rest: unknown[]): boolean {
    const [encoding, callback] = readRest(rest);
    this.#writeHeadOnce();
    this.#chunks.push(toBuffer(chunk, encoding));
    if (callback !== undefined) process.nextTick(callback);
    return true;
  }

  override end(...args: unknown[]): this {
    if (this.finished) return this;
    const [chunk, ...rest] = typeof args[0] === "function" ? [undefined, ...args] : args;
    const [encoding, callback] = readRest(rest);
    this.#writeHeadOnce();
    if (chunk !== undefined && chunk !== null) this.#chunks.push(toBuffer(chunk, encoding));
    this.finished = true;
    process.nextTick(() => {
      callback?.();
      this.emit("finish");
      this.emit("close");
    });
    this.#onEnd();
    return this;
  }

  override flushHeaders(): void {
    this.#writeHeadOnce();
  }

  /** The fields that were set, except reserved ones. */
  get fields(): ReadonlyArray<readonly [name: string, value: string]> {
    return Object.entries(this.getHeaders())
      .filter(([name]) => !isReservedField(name))
      .flatMap(([name, value]) => [value ?? []].flat().map((one) => [name, String(one)] as const));
  }

  toResponse(): Response {
    const headers = new Headers(
      this.fields.map(([name, value]): [string, string] => [name, value]),
    );
    const hasBody = !NULL_BODY_STATUSES.includes(this.statusCode);
    const body = hasBody ? Buffer.concat(this.#chunks) : null;
    return new Response(body, { status: this.statusCode, headers });
  }

  #writeHeadOnce(): void {
    if (!this.headersSent) this.writeHead(this.statusCode);
  }
}

/** Reads header fields from an object, or from a list of alternating names and values. */
function pairsOf(
  fields: OutgoingHttpHeaders | OutgoingHttpHeader[],
): Array<[string, OutgoingHttpHeader | undefined]> {
  if (!Array.isArray(fields)) return Object.entries(fields);
  const pairs: Array<[string, OutgoingHttpHeader]> = [];
  for (let i = 0; i + 1 < fields.length; i += 2) pairs.push([String(fields[i]), fields[i + 1]]);
  return pairs;
}

function readRest(rest: unknown[]): [BufferEncoding | undefined, Callback | undefined] {
  const encoding = typeof rest[0] === "string" ? (rest[0] as BufferEncoding) : undefined;
  const callback = rest.find((value) => typeof value === "function") as Callback | undefined;
  return [encoding, callback];
}

function toBuffer(chunk: unknown, encoding: BufferEncoding | undefined): Buffer {
  return typeof chunk === "string"
    ? Buffer.from(chunk, encoding)
    : Buffer.from(chunk as Uint8Array<ArrayBuffer>);
}
