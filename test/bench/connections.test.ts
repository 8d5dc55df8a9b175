import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunResult } from "../../bench/src/connections/run.ts";
import { BundledProgram } from "../support/bundled-program.ts";

const CONNECTIONS = 500;

describe.skipIf(process.platform !== "linux")("npm run connections", () => {
  const file = join(tmpdir(), `tideway-connections-${process.pid}.json`);
  let program: BundledProgram;

  beforeAll(async () => {
    program = await BundledProgram.bundle("bench/src/connections/main.ts");
  });

  afterAll(async () => {
    await program[Symbol.asyncDispose]();
    await rm(file, { force: true });
  });

  // The clients wait for seconds before they reconnect, and much longer on a busy machine.
  it("kills all servers, and waits until every client has reconnected", async () => {
    await using run = program.start({}, `${CONNECTIONS}`, "--processes", "2", "--json", file);
    expect([await run.exited, run.stderr]).toEqual([0, ""]);
    expect(run.stdout).toMatch(
      /^500 connections: 2 server processes, 2 addresses, 2 client processes$/m,
    );
    const { connections, back } = JSON.parse(await readFile(file, "utf8")) as RunResult;
    expect(connections).toBe(CONNECTIONS);
    expect(back.openAtServers).toBe(CONNECTIONS);
    expect(back.returnsMs).toHaveLength(CONNECTIONS);
    expect(Math.min(...back.returnsMs)).toBeGreaterThan(0);
    expect(back.attempts).toHaveLength(CONNECTIONS);
    expect(Math.min(...back.attempts)).toBeGreaterThan(0);
    expect(back.lostAgain).toBe(0);
    const attempts = back.attempts.reduce((sum, count) => sum + count, 0);
    const failed = Object.values(back.errors).reduce((sum, count) => sum + count, 0);
    // A connection that is lost once has one attempt that does not fail.
    expect(attempts - failed).toBe(CONNECTIONS);
    expect(back.echoDelaysMs.length).toBeGreaterThan(0);
    expect(run.stdout).toMatch(/^memory of a connection: [\d,]+ B of the server/m);
  }, 120_000);

  it.each([
    [["0"], "COUNT is 0; it must be an integer above 0"],
    [["5", "--processes", "x"], "--processes is x; it must be an integer above 0"],
    [["1000000000"], "pass at most"],
  ])("fails with a reason for %j", async (args, reason) => {
    await using run = program.start({}, ...args);
    expect(await run.exited).toBe(1);
    expect(run.stderr).toContain(reason);
  });
});
