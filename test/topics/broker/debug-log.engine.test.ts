import { expect, it, vi } from "vitest";
import { BundledProgram, type RunningProgram } from "../../support/bundled-program.ts";
import { Engine } from "../../support/engine.ts";
import { describeWithEngine } from "../../support/with-engine.ts";

const PROGRAM = "test/topics/debug-log-program.ts";

const COMMON = {
  interrupted: [
    /topic "room" error goes to onError: BROKER_\w+/,
    /topic "room" read failed \d+ times: BROKER_\w+/,
    /topic "room" publish retries in \d+ ms, after \d+ failures: BROKER_\w+/,
  ],
  recovered: [/topic "room" reads from the broker again after \d+ failures$/m],
};

/** Restarts the engine of a program, and returns what the program has written. */
async function logOfRestart(
  engine: Engine,
  name: string,
  interrupted: readonly RegExp[],
  recovered: readonly RegExp[],
): Promise<string> {
  await using program = await BundledProgram.bundle(PROGRAM);
  await using running = program.start({ NODE_DEBUG: "tideway" }, name, String(engine.port));
  await vi.waitFor(() => expect(running.stdout).toBe("ready\n"));
  await engine.kill();
  await waitForLines(running, [...COMMON.interrupted, ...interrupted]);
  await engine.start();
  await waitForLines(running, [...COMMON.recovered, ...recovered]);
  return running.stderr;
}

/** Waits until the program has written all these lines. */
async function waitForLines(running: RunningProgram, lines: readonly RegExp[]): Promise<void> {
  await vi.waitFor(() => {
    for (const line of lines) expect(running.stderr).toMatch(line);
  });
}

describeWithEngine("redis", "NODE_DEBUG=tideway with a RedisBroker", (path) => {
  it("writes that Redis was interrupted, that it recovered, and which publications were lost", async () => {
    await using engine = await Engine.redis(path);
    const log = await logOfRestart(
      engine,
      "redis",
      [/Redis broker interrupted: \w+/],
      [
        /Redis broker recovered: subscribed to 1 channels again$/m,
        /topic "room" lost publications: \S+$/m,
      ],
    );
    expect(log).not.toContain("SECRET");
  });
});

describeWithEngine("nats", "NODE_DEBUG=tideway with a NatsBroker", (path) => {
  it("writes that NATS was interrupted and that it recovered", async () => {
    await using engine = await Engine.nats(path);
    const log = await logOfRestart(
      engine,
      "nats",
      [/NATS broker interrupted: disconnect$/m, /NATS broker status: reconnecting$/m],
      [/NATS broker recovered: subscribed to 1 topics again$/m],
    );
    expect(log).not.toContain("SECRET");
  });
});
