import { BrokerError } from "tideway/topics";
import { describe, expect, it } from "vitest";
import {
  readMembers,
  readPage,
  readPublishAnswer,
  readTime,
  toBrokerError,
} from "../../../src/topics/redis/redis-answers.ts";

describe("an error of a Redis client becomes a BrokerError", () => {
  it.each([
    ["OOM command not allowed when used memory > 'maxmemory'."],
    ["NOAUTH Authentication required."],
    ["ERR unknown command 'XADD'"],
    ["CROSSSLOT Keys in request don't hash to the same slot"],
    [
      "ERR Error running script (call to f_5a3c): @user_script:27: @user_script: 27: -OOM command not allowed when used memory > 'maxmemory'.",
    ],
    ["ERR Error running script (call to f_5a3c): @user_script:27: attempt to index a nil value"],
  ])("that cannot be retried if Redis refused the command: %s", (message) => {
    const cause = new Error(message);
    expect(toBrokerError(cause)).toMatchObject({
      code: "BROKER_REFUSED",
      isRetryable: false,
      message: `Redis refused the command: ${message}`,
      cause,
    });
  });

  it.each([
    ["is loading", new Error("LOADING Redis is loading the dataset in memory")],
    ["is a replica", new Error("READONLY You can't write against a read only replica.")],
    [
      "6.2 is a replica when a script writes",
      new Error(
        "ERR Error running script (call to f_5a3c): @user_script:27: @user_script: 27: -READONLY You can't write against a read only replica.",
      ),
    ],
    [
      "7 is a replica when a script writes",
      new Error(
        "READONLY You can't write against a read only replica. script: 5a3c, on @user_script:27.",
      ),
    ],
    ["has too few replicas", new Error("NOREPLICAS Not enough good replicas to write.")],
    ["moves a slot", new Error("ASK 3999 127.0.0.1:6381")],
    ["has moved a slot", new Error("MOVED 3999 127.0.0.1:6381")],
    ["redirects too often", new Error("Too many Cluster redirections")],
    ["has too many clients", new Error("ERR max number of clients reached")],
    ["has no cluster", new Error("CLUSTERDOWN The cluster is down")],
    [
      "cannot be reached",
      Object.assign(new Error("ECONNREFUSED 127.0.0.1:6379"), { code: "ECONNREFUSED" }),
    ],
    [
      "does not accept a word in capitals",
      Object.assign(new Error("CONNECT failed"), { code: "E" }),
    ],
    ["is disconnected", new Error("Connection is closed.")],
    ["is disconnected after a command", new Error("Socket closed after EVALSHA was sent")],
    ["runs another script", new Error("BUSY Redis is busy running a script.")],
    ["is a replica without its master", new Error("MASTERDOWN Link with MASTER is down")],
    ["has moved some of the keys", new Error("TRYAGAIN Multiple keys request during rehashing")],
    ["becomes a replica", new Error("UNBLOCKED force unblock from blocking operation")],
  ])("that can be retried if Redis %s", (_what, cause) => {
    expect(toBrokerError(cause)).toMatchObject({
      code: "BROKER_UNAVAILABLE",
      isRetryable: true,
      message: `Redis cannot be reached: ${cause.message}`,
      cause,
    });
  });

  it("with the messages of all errors of an AggregateError", () => {
    const cause = new AggregateError([new Error("first"), new Error("second")]);
    expect(toBrokerError(cause).message).toBe("Redis cannot be reached: first, second");
  });

  it("unless it is one", () => {
    const error = new BrokerError("BROKER_REFUSED", "no");
    expect(toBrokerError(error)).toBe(error);
  });
});

it.each([
  ["OK", "a value of type string"],
  [[1, 2], "a value of type object"],
  [["e", 1], "a value of type object"],
  [["", "x"], ":x instead of a position"],
])("the answer %j of another server is invalid", (answer, shown) => {
  for (const read of [readPublishAnswer, (value: unknown) => readPage(value, false)]) {
    expect(() => read(answer)).toThrow(
      expect.objectContaining({
        code: "BROKER_ANSWER_INVALID",
        message: expect.stringContaining(shown) as string,
      }) as Error,
    );
  }
});

it("the answer to a publication has a position, or says that it is late, and has the time of Redis", () => {
  const position = { epoch: "e", offset: 7 };
  const read = ["new", "known", "late"].map((outcome) =>
    readPublishAnswer(outcome === "late" ? ["", "", outcome, "5"] : ["e", "7", outcome, "5"]),
  );
  expect(read).toEqual([
    { receipt: { position, isDuplicate: false }, redisMs: 5 },
    { receipt: { position, isDuplicate: true }, redisMs: 5 },
    { receipt: undefined, redisMs: 5 },
  ]);
});

it("a page has the publications that this version can read, from the first to the last", () => {
  const payload = (id: string): string => JSON.stringify({ v: 1, id, text: "hi" });
  const entries = ["4", payload("a"), "5", "nonsense", "6", payload("b")];
  const [four, six] = [
    { position: { epoch: "e", offset: 4 }, id: "a", data: "hi" },
    { position: { epoch: "e", offset: 6 }, id: "b", data: "hi" },
  ];
  const position = { epoch: "e", offset: 7 };
  const answer = ["e", "7", ...entries];
  expect(readPage(answer, false)).toEqual({ position, publications: [four, six] });
  expect(readPage(answer, true)).toEqual({ position, publications: [six, four] });
  expect(readPage(["e", "7"], false)).toEqual({ position, publications: [] });
});

it("the time comes as seconds and microseconds", () => {
  expect(readTime(["1700000000", "250000"])).toBe(1_700_000_000_250);
  for (const answer of ["OK", ["1700000000"], ["soon", "1"]]) {
    expect(() => readTime(answer)).toThrow(
      expect.objectContaining({ code: "BROKER_ANSWER_INVALID" }) as Error,
    );
  }
});

it("members come as a list of keys and values", () => {
  expect(readMembers(["a", "1", "b", "2"])).toEqual([
    { key: "a", value: "1" },
    { key: "b", value: "2" },
  ]);
});
