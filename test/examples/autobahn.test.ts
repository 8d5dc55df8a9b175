// The real suite needs a container, which not every machine can run.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { checkReport } from "../../scripts/autobahn/check-report.mjs";
import { freePort } from "../support/engine.ts";

describe("checkReport", () => {
  const check = (behavior: string, behaviorClose: string): unknown =>
    checkReport({ "1.1.1": { behavior, behaviorClose } });

  it("passes a case with OK for its messages and its closing handshake", () => {
    expect(check("OK", "OK")).toEqual({ passed: 1, informational: 0, failed: [] });
    expect(check("OK", "INFORMATIONAL")).toEqual({ passed: 1, informational: 0, failed: [] });
  });

  it("counts cases without a verdict separately", () => {
    const expected = { passed: 0, informational: 1, failed: [] };
    expect(check("INFORMATIONAL", "OK")).toEqual(expected);
    expect(check("INFORMATIONAL", "INFORMATIONAL")).toEqual(expected);
  });

  it.each([
    ["FAILED", "OK"],
    ["NON-STRICT", "OK"],
    ["UNIMPLEMENTED", "OK"],
    ["OK", "UNCLEAN"],
    ["OK", "WRONG CODE"],
    ["INFORMATIONAL", "FAILED BY CLIENT"],
  ])("fails a case with %s and %s", (behavior, behaviorClose) => {
    const failed = [{ id: "1.1.1", behavior, behaviorClose }];
    expect(check(behavior, behaviorClose)).toEqual({ passed: 0, informational: 0, failed });
  });
});

describe.each(["server", "client"])(
  "npm run autobahn -- --role %s",
  { timeout: 60_000 },
  (role) => {
    async function run(environment: Readonly<Record<string, string>> = {}): Promise<{
      readonly code: number;
      readonly output: string;
    }> {
      const wstest = `${process.execPath} test/examples/wstest.mjs`;
      const args = ["--role", role, "--port", String(await freePort()), "--wstest", wstest];
      const child = spawn(process.execPath, ["scripts/autobahn.mjs", ...args], {
        env: { ...process.env, ...environment },
        stdio: ["ignore", "pipe", "pipe"],
      });
      const [stdout, stderr, [code]] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, "exit") as Promise<[number]>,
      ]);
      return { code, output: stdout + stderr };
    }

    it("succeeds when every case passes", async () => {
      const { code, output } = await run();
      expect(output).toContain(`${role}: 2 passed, 1 informational, 0 failed`);
      expect(code).toBe(0);
    });

    it("fails, and names the case, when one does not pass", async () => {
      const { code, output } = await run({ WSTEST_VERDICT: "NON-STRICT" });
      expect(output).toContain(`${role}: case 1.1.1: NON-STRICT, closing handshake: OK`);
      expect(code).toBe(1);
    });
  },
);
