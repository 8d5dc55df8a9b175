import { cancelBody } from "../../server/routes/http-answer.ts";
import { ContentLength } from "./content-length.ts";
import type { FetchAccelerator } from "./fetch-accelerator.ts";
import type { NodeResponse, ResponseWriter } from "./http-version.ts";

type Read = ReadableStreamReadResult<Uint8Array>;
type BodyReader = ReadableStreamDefaultReader<Uint8Array>;

/**
 * Sends `answer`. Cancels its body if the client disconnects. Rejects if the body fails, if a header field
 * cannot be sent, or if the Content-Length is wrong.
 */
export async function sendResponse<Res extends NodeResponse>(
  writer: ResponseWriter<Res>,
  response: Res,
  answer: Response,
  fetch: FetchAccelerator,
): Promise<void> {
  if (!sendIfWhole(writer, response, answer, fetch)) await sendStream(writer, response, answer);
}

/**
 * Sends `answer` if its body is empty or in memory. Throws if a header field cannot be sent, or if the
 * Content-Length is wrong.
 *
 * @returns whether it was sent
 */
export function sendIfWhole<Res extends NodeResponse>(
  writer: ResponseWriter<Res>,
  response: Res,
  answer: Response,
  fetch: FetchAccelerator,
): boolean {
  if (isUsed(answer)) return false;
  if (answer.body === null || response.req.method === "HEAD") {
    sendHead(writer, response, answer, fetch);
    return true;
  }
  const whole = fetch.wholeBody(answer);
  if (whole === undefined) return false;
  sendWhole(writer, response, answer, whole);
  sentWhole.add(answer);
  return true;
}

/** Sends the head of `answer` alone, for an empty body or as the answer to HEAD. */
function sendHead<Res extends NodeResponse>(
  writer: ResponseWriter<Res>,
  response: Res,
  answer: Response,
  fetch: FetchAccelerator,
): void {
  writer.writeHead(response, answer, knownLength(response, answer, fetch));
  response.end();
  // The body of an answer to HEAD is not read.
  cancelBody(answer);
}

/** The length of a body that is not read. Undefined if it is not known, or if the head must not have it. */
function knownLength<Res extends NodeResponse>(
  { req }: Res,
  answer: Response,
  fetch: FetchAccelerator,
): number | undefined {
  if (answer.body !== null) {
    const whole = fetch.wholeBody(answer);
    return whole === undefined ? undefined : Buffer.byteLength(whole);
  }
  // An answer to HEAD, and 304, may have the length of the body that is not sent.
  if (req.method === "HEAD" || answer.status === 304) return undefined;
  new ContentLength(answer).end();
  // RFC 9110 8.6: a server MUST NOT send the length with 204.
  return answer.status === 204 ? undefined : 0;
}

/** Whether the body of `answer` has been read or sent. */
export function isUsed(answer: Response): boolean {
  return answer.bodyUsed || sentWhole.has(answer);
}

/**
 * Responses that were sent without reading their streams. Cancelling each stream instead would take longer.
 */
const sentWhole = new WeakSet<Response>();

function sendWhole<Res extends NodeResponse>(
  writer: ResponseWriter<Res>,
  response: Res,
  answer: Response,
  body: string | Uint8Array,
): void {
  const length = Buffer.byteLength(body);
  writer.writeHead(response, answer, length);
  writer.endWith(response, body, length);
}

/** Sends the body as fast as the client reads it. */
async function sendStream<Res extends NodeResponse>(
  writer: ResponseWriter<Res>,
  response: Res,
  answer: Response,
): Promise<void> {
  const reader = answer.body!.getReader() as BodyReader;
  const cancel = (): void => {
    reader.cancel().catch(() => {});
  };
  response.once("close", cancel);
  try {
    await sendBody(writer, response, answer, reader);
  } catch (error) {
    cancel();
    throw error;
  }
}

async function sendBody<Res extends NodeResponse>(
  writer: ResponseWriter<Res>,
  response: Res,
  answer: Response,
  reader: BodyReader,
): Promise<void> {
  const length = new ContentLength(answer);
  const firstRead = reader.read();
  // The client of an event stream waits for the head. A body with a known length, such as a file, is sent at
  // once; if it cannot be opened, the response is 500.
  const first = await (length.isKnown ? firstRead : Promise.race([firstRead, endOfTurn()]));
  if (writer.isGone(response)) return;
  if (first === undefined) {
    writer.writeHead(response, answer);
    writer.flushHead(response);
    await sendChunks(writer, response, reader, length, [firstRead]);
    return;
  }
  if (first.done) {
    length.end();
    writer.writeHead(response, answer, 0);
    response.end();
    return;
  }
  // Before the head is written, so that the client gets 500.
  length.check(first.value);
  const secondRead = reader.read();
  // Most bodies are one string or one byte array. They are sent with their length, in one write.
  const isWhole = await endsNow(secondRead);
  if (writer.isGone(response)) return;
  if (isWhole) {
    sendWhole(writer, response, answer, first.value);
    return;
  }
  writer.writeHead(response, answer);
  await sendChunks(writer, response, reader, length, [firstRead, secondRead]);
}

/**
 * Sends the chunks of a body after its head.
 *
 * @param reads the reads that have begun
 */
async function sendChunks<Res extends NodeResponse>(
  writer: ResponseWriter<Res>,
  response: Res,
  reader: BodyReader,
  length: ContentLength,
  reads: Array<Promise<Read>>,
): Promise<void> {
  for (;;) {
    const read = await (reads.shift() ?? reader.read());
    if (writer.isGone(response)) return;
    if (read.done) break;
    length.count(read.value);
    if (!writer.write(response, read.value)) await drained(writer, response);
    if (writer.isGone(response)) return;
  }
  length.end();
  response.end();
}

/** Resolves after the promise jobs of the current turn of the event loop. */
async function endOfTurn(): Promise<undefined> {
  await Promise.resolve();
  await new Promise<void>((resolve) => process.nextTick(resolve));
}

/** Whether `read` reports the end of its stream within the current turn of the event loop. */
async function endsNow(read: Promise<Read>): Promise<boolean> {
  let isEnd = false;
  read.then(
    ({ done }) => (isEnd = done),
    () => {},
  );
  await endOfTurn();
  return isEnd;
}

/** Resolves when the written bytes have been sent, or the client has disconnected. */
function drained<Res extends NodeResponse>(
  writer: ResponseWriter<Res>,
  response: Res,
): Promise<void> {
  if (writer.isGone(response)) return Promise.resolve();
  return new Promise((resolve) => {
    const settle = (): void => {
      response.off("close", settle);
      resolve();
    };
    response.once("drain", settle);
    response.once("close", settle);
  });
}
