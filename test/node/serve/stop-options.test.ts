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

it.each<[object, string]>([
  [{ drain: true }, "drain"],
  [{ drain: null }, "drain"],
  [{ drain: { batch: 0 } }, "drain.batch"],
  [{ drain: { batch: 1.5 } }, "drain.batch"],
  [{ drain: { intervalMs: 0 } }, "drain.intervalMs"],
  [{ drain: { deadlineMs: -1 } }, "drain.deadlineMs"],
  [{ drain: { deadlineMs: Infinity } }, "drain.deadlineMs"],
  [{ drain: { deadlineMs: "100" } }, "drain.deadlineMs"],
  [{ drain: { timeoutMs: 100 } }, "timeoutMs"],
  [{ drain: {}, timeoutMs: 100 }, "deadlineMs"],
  [{ timeoutMs: 2 ** 31 }, "timeoutMs"],
  [{ timeout: 100 }, "timeout"],
  [5 as unknown as object, "options"],
  [null as unknown as object, "options"],
])("stop refuses %j, and the server continues", async (options, named) => {
  const server = await startServer({
    routes: { "ws:/": (socket) => socket.listen((message) => socket.send(message)) },
  });
  const client = await openClient(server);
  await expect(server.stop(options as StopOptions)).rejects.toMatchObject({
    code: "INVALID_OPTION",
    message: expect.stringMatching(new RegExp(`^stop: .*${named}`)) as string,
  });
  client.send("still there");
  const [answer] = await new Promise<[Buffer]>((resolve) =>
    client.once("message", (data: Buffer) => resolve([data])),
  );
  expect(String(answer)).toBe("still there");
});
