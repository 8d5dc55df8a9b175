import { checkInteger, invalidOption } from "../../errors/check-options.ts";
import { validate } from "../../schema/validate.ts";
import type { HttpHandler } from "../../server/routes/http-route.ts";
import type { ErrorFields } from "../wire/frames.ts";
import type { PublishHandlerOptions } from "./channels-interface.ts";
import { type ChannelsEnvironment } from "./environment.ts";
import {
  brokerFailure,
  FORBIDDEN,
  INTERNAL,
  invalidData,
  invalidRequest,
  mayBeStored,
  UNKNOWN_TOPIC,
} from "./failures.ts";
import { publishMessage } from "./server-topic.ts";

/** The body of a request. */
interface PublishRequest {
  readonly topic: string;
  readonly data?: unknown;
  readonly id?: string;
}

const MAX_ID_LENGTH = 128;

const STATUSES: Readonly<Record<string, number>> = {
  INVALID_REQUEST: 400,
  FORBIDDEN: 403,
  UNKNOWN_TOPIC: 404,
  TOO_BIG: 413,
  INVALID_DATA: 422,
  UNAVAILABLE: 503,
  INTERNAL: 500,
};

/** Creates the HTTP handler that publishes. @throws UsageError `INVALID_OPTION` */
export function createPublishHandler(
  environment: ChannelsEnvironment,
  { authorize, maxBodyBytes = 1_048_576 }: PublishHandlerOptions,
): HttpHandler {
  if (typeof authorize !== "function") {
    throw invalidOption("publishHandler", "authorize", authorize, "a function");
  }
  checkInteger("publishHandler", "maxBodyBytes", maxBodyBytes);
  return async (request) => {
    if (request.method !== "POST") {
      return answer(405, invalidRequest("send a POST request"), { Allow: "POST" });
    }
    try {
      if ((await authorize(request)) !== true) return refusal(FORBIDDEN);
      return await handle(environment, request, maxBodyBytes);
    } catch (error) {
      environment.report(error, { kind: "publishHandler" });
      return refusal(INTERNAL);
    }
  };
}

async function handle(
  environment: ChannelsEnvironment,
  request: Request,
  maxBodyBytes: number,
): Promise<Response> {
  const type = request.headers.get("Content-Type") ?? "";
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    return answer(415, invalidRequest("the Content-Type must be application/json"));
  }
  const text = await readText(request, maxBodyBytes);
  if (text === undefined) {
    return refusal({ code: "TOO_BIG", message: `the body has more than ${maxBodyBytes} bytes` });
  }
  const body = readBody(text);
  if (body === undefined) {
    return refusal(invalidRequest("the body must be JSON: { topic, data, id? }"));
  }
  return publish(environment, body);
}

async function publish(environment: ChannelsEnvironment, body: PublishRequest): Promise<Response> {
  const { table } = environment;
  const entry = table.acquire(body.topic);
  if (entry === undefined) return refusal(UNKNOWN_TOPIC);
  try {
    const validation = await validate(entry.compiled.messageSchema, body.data);
    if (validation.kind !== "valid") {
      const error = invalidData(validation);
      if (error !== undefined) return refusal(error);
    }
    return answer(200, await publishMessage(entry, body.data, body.id));
  } catch (error) {
    const failure = brokerFailure(error);
    if (failure === undefined) {
      environment.report(error, { kind: "publishHandler", name: entry.name });
    }
    return refusal({ ...(failure ?? INTERNAL), mayBeStored: mayBeStored(error) });
  } finally {
    table.release(entry);
  }
}

/** Reads the body, or returns undefined if it is too big. */
async function readText(request: Request, maxBytes: number): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function readBody(text: string): PublishRequest | undefined {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof body !== "object" || body === null) return undefined;
  const { topic, id } = body as Partial<Record<keyof PublishRequest, unknown>>;
  const isId = typeof id === "string" && id !== "" && id.length <= MAX_ID_LENGTH;
  return typeof topic === "string" && (id === undefined || isId)
    ? (body as PublishRequest)
    : undefined;
}

function refusal(error: ErrorFields): Response {
  return answer(STATUSES[error.code] ?? 500, error);
}

function answer(status: number, body: object, headers: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers });
}
