import { BrokerError } from "tideway/topics";
import { describe, expect, it } from "vitest";
import { invalidData } from "../../../src/channels/server/failures.ts";
import type { SchemaIssue } from "../../../src/schema/standard-schema.ts";
import { FaultyBroker } from "../../topics/support.ts";
import { anything, start } from "./support.ts";

const failure = (issues: readonly unknown[]) =>
  invalidData({ kind: "invalid", issues: issues as SchemaIssue[] });

describe("the error for a failure of the broker", () => {
  const publish = { type: "publish", id: 1, topic: "rooms/a", number: 1, data: 1 };
  const requests = [
    publish,
    { type: "subscribe", id: 2, topic: "rooms/b", credit: 1 },
    { type: "watch", id: 3, topic: "rooms/b" },
    { type: "enter", id: 4, topic: "rooms/b" },
    { type: "history", id: 5, topic: "rooms/b", limit: 1 },
  ];

  /** Returns the answers to requests while the broker fails with a code, and the errors that were reported. */
  async function fail(code: ConstructorParameters<typeof BrokerError>[0]) {
    const broker = new FaultyBroker();
    broker.onCall = () => Promise.reject(new BrokerError(code, "secret"));
    const server = await start(
      { topics: { "rooms/:room": { message: anything, member: anything } } },
      {
        rules: {
          "rooms/:room": { subscribe: true, publish: true, enter: () => ({ id: "a", data: 1 }) },
        },
        topics: { broker, publishTimeoutMs: 1, onError() {} },
      },
    );
    const client = await server.connect();
    await client.hello();
    const answers: unknown[] = [];
    for (const request of requests) answers.push(await client.request(request));
    return { answers, errors: server.errors.splice(0) };
  }

  it.each(["BROKER_UNAVAILABLE", "BROKER_TIMEOUT", "BROKER_CLOSED"] as const)(
    "%s asks the client to try again later, and is not reported",
    async (code) => {
      const { answers, errors } = await fail(code);
      const unavailable = { code: "UNAVAILABLE", retryAfterMs: 1_000 };
      expect(answers).toMatchObject(requests.map(() => unavailable));
      expect(answers[0]).toMatchObject({ mayBeStored: true });
      expect(errors).toEqual([]);
    },
  );

  it.each(["BROKER_REFUSED", "BROKER_ANSWER_INVALID", "TOPICS_FULL"] as const)(
    "%s is reported, and the client does not try again",
    async (code) => {
      const { answers, errors } = await fail(code);
      expect(answers).toMatchObject(requests.map(() => ({ code: "INTERNAL" })));
      for (const answer of answers) expect(answer).not.toHaveProperty("retryAfterMs");
      expect(answers[0]).toMatchObject({ mayBeStored: code !== "TOPICS_FULL" });
      expect(JSON.stringify(answers)).not.toContain("secret");
      expect(errors).toMatchObject(requests.map(() => ({ code })));
    },
  );
});

describe("the error for invalid data", () => {
  it("has the messages and paths of the issues", () => {
    const path = ["a", 1, { key: "b" }, Symbol("c")];
    expect(failure([{ message: "too long", path }])).toEqual({
      code: "INVALID_DATA",
      message: "the data does not match its schema: too long",
      issues: [{ message: "too long", path: ["a", 1, "b", "Symbol(c)"] }],
    });
  });

  it("has at most 32 issues", () => {
    const issues = Array.from({ length: 500_000 }, (_, index) => ({
      message: "no",
      path: [index],
    }));
    expect(failure(issues)?.issues).toHaveLength(32);
  });

  it("cuts long messages, long paths, and long names in paths", () => {
    const long = "x".repeat(1_000_000);
    const issues = Array.from({ length: 40 }, () => ({
      message: long,
      path: Array.from({ length: 100 }, () => long),
    }));
    const error = failure(issues);
    expect(error?.issues?.[0].message).toBe(`${"x".repeat(256)}…`);
    expect(error?.issues?.[0].path).toEqual(Array.from({ length: 32 }, () => `${"x".repeat(64)}…`));
    expect(JSON.stringify(error).length).toBeLessThan(100_000);
  });

  it("leaves out a path that is not an array", () => {
    expect(
      failure([
        { message: "no", path: "a" },
        { message: "no", path: [null] },
      ])?.issues,
    ).toEqual([{ message: "no" }, { message: "no", path: ["null"] }]);
  });

  it("reaches the client if a schema returns a junk path later", async () => {
    const junk = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: async () => ({ issues: [{ message: "no", path: [null] }] }),
      },
    } as never;
    const server = await start(
      { calls: { it: { input: junk, output: anything } } },
      { calls: { it: () => 1 } },
    );
    const client = await server.connect();
    await client.hello();
    expect(await client.request({ type: "call", id: 1, name: "it" })).toMatchObject({
      code: "INVALID_DATA",
    });
  });
});
