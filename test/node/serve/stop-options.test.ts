import type { StopOptions } from "tideway/server";
import { describe, expect, it } from "vitest";
import { resolveStopOptions } from "../../../src/node/serve/stop-options.ts";
import { startServer } from "../../suite/start.ts";
import { openClient } from "../../support/clients.ts";

describe("the defaults of stop", () => {
  it("close all sockets at once with 1001 and drop the rest after 10 seconds", () => {
    const plan = { code: 1001, reason: "", timeoutMs: 10_000 };
    expect(resolveStopOptions()).toEqual(plan);
    expect(resolveStopOptions({})).toEqual(plan);
  });

  it("with drain close 100 sockets every 100 ms with 1012, for at most 10 seconds", () => {
    expect(resolveStopOptions({ drain: {} })).toEqual({
      code: 1012,
      reason: "",
      timeoutMs: 10_000,
      pace: { batch: 100, intervalMs: 100 },
    });
  });
});

const OPTIONS = "an object such as { code, reason, timeoutMs, drain }";
const DRAIN = "an object such as { batch, intervalMs, deadlineMs }";
const COUNT = "an integer above 0, or Infinity";
const DELAY = "a number above 0 and at most 2147483647";

it.each<[object, string]>([
  [{ drain: true }, `drain is true; it must be ${DRAIN}`],
  [{ drain: null }, `drain is null; it must be ${DRAIN}`],
  [{ drain: { batch: 0 } }, `drain.batch is 0; it must be ${COUNT}`],
  [{ drain: { batch: 1.5 } }, `drain.batch is 1.5; it must be ${COUNT}`],
  [{ drain: { intervalMs: 0 } }, `drain.intervalMs is 0; it must be ${DELAY}`],
  [{ drain: { deadlineMs: -1 } }, `drain.deadlineMs is -1; it must be ${DELAY}`],
  [{ drain: { deadlineMs: Infinity } }, `drain.deadlineMs is Infinity; it must be ${DELAY}`],
  [{ drain: { deadlineMs: "100" } }, `drain.deadlineMs is "100"; it must be ${DELAY}`],
  [{ drain: { timeoutMs: 100 } }, "there is no option drain.timeoutMs"],
  [
    { drain: {}, timeoutMs: 100 },
    "timeoutMs has no effect with drain; pass drain: { deadlineMs } instead",
  ],
  [{ timeoutMs: 0 }, `timeoutMs is 0; it must be ${DELAY}`],
  [{ timeoutMs: 2 ** 31 }, `timeoutMs is 2147483648; it must be ${DELAY}`],
  [{ timeout: 100 }, "there is no option timeout; did you mean timeoutMs?"],
  [5 as unknown as object, `options is 5; it must be ${OPTIONS}`],
  [null as unknown as object, `options is null; it must be ${OPTIONS}`],
])("stop refuses %j, and the server continues: %s", async (options, problem) => {
  const server = await startServer({
    routes: { "ws:/": (socket) => socket.listen((message) => socket.send(message)) },
  });
  const client = await openClient(server);
  await expect(server.stop(options as StopOptions)).rejects.toMatchObject({
    code: "INVALID_OPTION",
    message: `stop: ${problem}`,
  });
  client.send("still there");
  const [answer] = await new Promise<[Buffer]>((resolve) =>
    client.once("message", (data: Buffer) => resolve([data])),
  );
  expect(String(answer)).toBe("still there");
});
