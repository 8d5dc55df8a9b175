import { cancelBody } from "../../server/http-answer.ts";
import type { FetchAccelerator } from "./fetch-accelerator.ts";
import type { NodeResponse, ResponseWriter } from "./http-version.ts";

type Read = ReadableStreamReadResult<Uint8Array>;

/**
 * Sends `answer`. Cancels its body if the client disconnects. Rejects if the body fails, or if a header field
 * cannot be sent.
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
 * Sends `answer` if its body is empty or in memory. Throws if a header field cannot be sent.
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
    writer.writeHead(response, answer);
    response.end();
    // The body of an answer to HEAD is not read.
    cancelBody(answer);
    return true;
  }
  const whole = fetch.wholeBody(answer);
  if (whole === undefined) return false;
  sendWhole(writer, response, answer, whole);
  sentWhole.add(answer);
  return true;
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
  const reader = answer.body!.getReader() as ReadableStreamDefaultReader<Uint8Array>;
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
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<void> {
  const first = await reader.read();
  if (writer.isGone(response)) return;
  if (first.done) {
    writer.writeHead(response, answer);
    response.end();
    return;
  }
  const second = reader.read();
  // Most bodies are one string or one byte array. They are sent with their length, in one write.
  const isWhole = await endsNow(second);
  if (writer.isGone(response)) return;
  if (isWhole) {
    sendWhole(writer, response, answer, first.value);
    return;
  }
  writer.writeHead(response, answer);
  let next: Promise<Read> | undefined = second;
  for (let read: Read = first; !read.done; next = undefined) {
    if (!writer.write(response, read.value)) await drained(writer, response);
    if (writer.isGone(response)) return;
    read = await (next ?? reader.read());
    if (writer.isGone(response)) return;
  }
  response.end();
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
