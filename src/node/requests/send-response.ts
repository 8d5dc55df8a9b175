import { type ServerResponse, STATUS_CODES } from "node:http";
import type { Http2ServerResponse } from "node:http2";
import { cancelBody } from "../../server/http-answer.ts";
import type { FetchAccelerator } from "./fetch-accelerator.ts";

/** A response of `node:http`, or of the compatibility API of `node:http2`. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

type Read = ReadableStreamReadResult<Uint8Array>;

/**
 * Sends `answer`. Cancels its body if the client leaves. Rejects if the body fails, or if a header field
 * cannot be sent.
 */
export async function sendResponse(
  response: NodeResponse,
  answer: Response,
  fetch: FetchAccelerator,
): Promise<void> {
  if (!sendIfWhole(response, answer, fetch)) await sendStream(response, answer);
}

/**
 * Sends `answer` if its body is empty or known to be in memory. Throws if a header field cannot be sent.
 *
 * @returns whether it was sent
 */
export function sendIfWhole(
  response: NodeResponse,
  answer: Response,
  fetch: FetchAccelerator,
): boolean {
  if (isUsed(answer)) return false;
  if (answer.body === null || response.req.method === "HEAD") {
    writeHead(response, answer);
    response.end();
    // An answer to HEAD leaves its body unread.
    cancelBody(answer);
    return true;
  }
  const whole = fetch.wholeBody(answer);
  if (whole === undefined) return false;
  sendWhole(response, answer, whole);
  sentWhole.add(answer);
  return true;
}

/** Whether the body of `answer` has been read or sent. */
export function isUsed(answer: Response): boolean {
  return answer.bodyUsed || sentWhole.has(answer);
}

/** Responses that were sent without reading their streams. Cancelling each stream would take longer. */
const sentWhole = new WeakSet<Response>();

/** Sends the body as fast as the client reads it. */
async function sendStream(response: NodeResponse, answer: Response): Promise<void> {
  const reader = answer.body!.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  const cancel = (): void => {
    reader.cancel().catch(() => {});
  };
  response.once("close", cancel);
  try {
    await sendBody(response, answer, reader);
  } catch (error) {
    cancel();
    throw error;
  } finally {
    response.off("close", cancel);
    reader.releaseLock();
  }
}

async function sendBody(
  response: NodeResponse,
  answer: Response,
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<void> {
  const first = await reader.read();
  if (isClosed(response)) return;
  if (first.done) {
    writeHead(response, answer);
    response.end();
    return;
  }
  const second = reader.read();
  // Most bodies are one string or one array. They are sent with their length and in one write.
  const isWhole = await endsNow(second);
  if (isClosed(response)) return;
  if (isWhole) {
    sendWhole(response, answer, first.value);
    return;
  }
  writeHead(response, answer);
  let next: Promise<Read> | undefined = second;
  for (let read: Read = first; !read.done; next = undefined) {
    if (!write(response, read.value)) await drained(response);
    if (isClosed(response)) return;
    read = await (next ?? reader.read());
    if (isClosed(response)) return;
  }
  response.end();
}

/** The longest body, in bytes, that is joined with the head in one string. */
const MAX_JOINED_BYTES = 16_384;

function sendWhole(response: NodeResponse, answer: Response, content: string | Uint8Array): void {
  const length = Buffer.byteLength(content);
  writeHead(response, answer, length);
  if ("stream" in response) response.end(content);
  // `node:http` joins the head with a string body, and so writes once instead of twice.
  else if (length <= MAX_JOINED_BYTES) response.end(toLatin1(content, length), "latin1");
  else response.end(content);
}

/** `content`, which has `length` bytes, as a string of bytes. */
function toLatin1(content: string | Uint8Array, length: number): string {
  if (typeof content === "string") {
    return content.length === length ? content : Buffer.from(content).toString("latin1");
  }
  return Buffer.from(content.buffer, content.byteOffset, length).toString("latin1");
}

/** Whether `read` reports the end of its stream within the current turn of the event loop. */
async function endsNow(read: Promise<Read>): Promise<boolean> {
  let isEnd = false;
  read.then(
    ({ done }) => (isEnd = done),
    () => {},
  );
  await new Promise<void>((resolve) => {
    process.nextTick(resolve);
  });
  return isEnd;
}

function writeHead(
  response: NodeResponse,
  { status, statusText, headers }: Response,
  length?: number,
): void {
  if ("stream" in response) {
    const fields: Record<string, string | string[]> = Object.fromEntries(headers);
    const cookies = headers.getSetCookie();
    if (cookies.length > 0) fields["set-cookie"] = cookies;
    if (length !== undefined) fields["content-length"] ??= String(length);
    response.writeHead(status, fields);
    return;
  }
  const fields: string[] = [];
  let isFramed = length === undefined;
  for (const [name, value] of headers) {
    fields.push(name, value);
    isFramed ||= name === "content-length" || name === "transfer-encoding";
  }
  if (!isFramed) fields.push("content-length", String(length));
  response.writeHead(status, statusText || STATUS_CODES[status] || "", fields);
}

/** Whether more may be written at once. */
function write(response: NodeResponse, chunk: Uint8Array): boolean {
  return "stream" in response ? response.write(chunk) : response.write(chunk);
}

function isClosed(response: NodeResponse): boolean {
  return "stream" in response ? response.stream.destroyed : response.destroyed;
}

/** Resolves when the written bytes have been sent, or the client has left. */
function drained(response: NodeResponse): Promise<void> {
  if (isClosed(response)) return Promise.resolve();
  return new Promise((resolve) => {
    const settle = (): void => {
      response.off("drain", settle);
      response.off("close", settle);
      resolve();
    };
    response.once("drain", settle);
    response.once("close", settle);
  });
}
