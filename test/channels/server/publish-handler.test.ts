import { channels } from "tideway/channels/server";
import { BrokerError, MemoryBroker, Topics } from "tideway/topics";
import { describe, expect, it, onTestFinished } from "vitest";
import { FaultyBroker } from "../../topics/support.ts";
import { anything, text } from "./support.ts";

const contract = {
  topics: {
    "rooms/:room": { message: text },
    "cursors/:id": { message: anything, isVolatile: true },
  },
} as const;

type Handler = (request: Request) => Promise<Response>;

function open(
  options: object = {},
  broker: MemoryBroker | FaultyBroker = new MemoryBroker(),
): {
  post: (body: unknown, init?: RequestInit) => Promise<Response>;
  handler: Handler;
  errors: unknown[];
} {
  const topics = new Topics({ broker, maxPublicationBytes: 1_000 });
  onTestFinished(() => topics.close());
  const errors: unknown[] = [];
  const api = channels(contract, {
    topics,
    authorize: () => ({ state: 1 }),
    rules: { "rooms/:room": {}, "cursors/:id": {} },
    onError: (error, { kind }) => kind !== "start" && errors.push(error),
  });
  const handler = api.publishHandler({
    authorize: (request) => request.headers.get("Authorization") === "secret",
    ...options,
  }) as unknown as Handler;
  const headers = { "Content-Type": "application/json", Authorization: "secret" };
  const post = (body: unknown, init: RequestInit = {}): Promise<Response> =>
    handler(
      new Request("http://test/publish", {
        method: "POST",
        body: typeof body === "string" ? body : JSON.stringify(body),
        headers,
        ...init,
      }),
    );
  return { post, handler, errors };
}

async function answerOf(response: Response): Promise<[status: number, body: unknown]> {
  return [response.status, await response.json()];
}

describe("the endpoint for backends", () => {
  it("publishes, once for each id", async () => {
    const { post } = open();
    const request = { topic: "rooms/a", data: "hello", id: "a1" };
    const [status, body] = await answerOf(await post(request));
    expect([status, body]).toEqual([
      200,
      { position: expect.stringMatching(/:1$/), isDuplicate: false },
    ]);
    expect(await answerOf(await post(request))).toEqual([
      200,
      { ...(body as object), isDuplicate: true },
    ]);
    expect(await answerOf(await post({ topic: "cursors/1", data: 1 }))).toEqual([
      200,
      { isDuplicate: false },
    ]);
  });

  it.each([false, undefined, 1, "yes", {}, null])(
    "refuses with 403 if authorize returns %o instead of true",
    async (result) => {
      for (const authorize of [() => result, async () => result]) {
        const { post } = open({ authorize });
        expect(await answerOf(await post({ topic: "rooms/a", data: "x" }))).toEqual([
          403,
          { code: "FORBIDDEN", message: "no rule allows the request" },
        ]);
      }
    },
  );

  it("answers 500 without details if authorize throws, which is reported", async () => {
    const { post, errors } = open({ authorize: () => Promise.reject(new Error("secret")) });
    expect(await answerOf(await post({ topic: "rooms/a", data: "x" }))).toEqual([
      500,
      {
        code: "INTERNAL",
        message: "a rule, a handler or the broker failed; onError of the server has the error",
      },
    ]);
    expect(errors).toHaveLength(1);
  });

  it.each([
    [400, "INVALID_REQUEST", "not JSON"],
    [400, "INVALID_REQUEST", "null"],
    [400, "INVALID_REQUEST", { data: "x" }],
    [400, "INVALID_REQUEST", { topic: 5 }],
    [400, "INVALID_REQUEST", { topic: "rooms/a", data: "x", id: "" }],
    [400, "INVALID_REQUEST", { topic: "rooms/a", data: "x", id: "x".repeat(129) }],
    [404, "UNKNOWN_TOPIC", { topic: "other", data: "x" }],
    [404, "UNKNOWN_TOPIC", { topic: "x".repeat(1_000), data: "x" }],
    [422, "INVALID_DATA", { topic: "rooms/a", data: 5 }],
    [413, "TOO_BIG", { topic: "rooms/a", data: "x".repeat(1_001) }],
    [413, "TOO_BIG", { topic: "rooms/a", data: "x".repeat(3_000) }],
  ])("answers %i with %s", async (status, code, body) => {
    const { post } = open({ maxBodyBytes: 2_000 });
    const response = await post(body);
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
      status,
      code,
    ]);
  });

  it("takes only POST requests with JSON, which pages of other origins cannot send", async () => {
    const { post, handler } = open();
    const get = await handler(
      new Request("http://test/", { headers: { Authorization: "secret" } }),
    );
    expect([get.status, get.headers.get("Allow")]).toEqual([405, "POST"]);
    const form = await post("{}", {
      headers: { "Content-Type": "text/plain", Authorization: "secret" },
    });
    expect(form.status).toBe(415);
  });

  it("answers 503 if the broker fails, and says that the message may be stored", async () => {
    const broker = new FaultyBroker();
    broker.onCall = () => Promise.reject(new BrokerError("BROKER_CLOSED", "no"));
    const { post } = open({}, broker);
    expect(await answerOf(await post({ topic: "rooms/a", data: "x" }))).toEqual([
      503,
      {
        code: "UNAVAILABLE",
        message: "the broker cannot be reached; try again later",
        retryAfterMs: 1_000,
        mayBeStored: true,
      },
    ]);
  });

  it("answers 500 and reports the error if the broker refuses, and says that the message may be stored", async () => {
    const broker = new FaultyBroker();
    broker.onCall = () => Promise.reject(new BrokerError("BROKER_REFUSED", "secret"));
    const { post, errors } = open({}, broker);
    expect(await answerOf(await post({ topic: "rooms/a", data: "x" }))).toEqual([
      500,
      {
        code: "INTERNAL",
        message: "a rule, a handler or the broker failed; onError of the server has the error",
        mayBeStored: true,
      },
    ]);
    expect(errors).toMatchObject([{ code: "BROKER_REFUSED" }]);
  });

  it.each([{}, { authorize: true }, { authorize: () => true, maxBodyBytes: 0 }])(
    "throws for the options %o",
    (options) => {
      expect(() => open({ authorize: undefined, ...options })).toThrow(
        expect.objectContaining({ code: "INVALID_OPTION" }),
      );
    },
  );
});
