// Runs the broker suite in other runtimes: it publishes, subscribes, kills the engine, and recovers.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BundledProgram } from "../support/bundled-program.ts";
import { describeWithEngine } from "../support/with-engine.ts";
import { describeWithRuntime } from "../support/with-runtime.ts";
import type { CaseResult } from "./broker-program.ts";

let program: BundledProgram;

beforeAll(async () => {
  program = await BundledProgram.bundle("test/topics/broker-program.ts");
});

afterAll(async () => await program[Symbol.asyncDispose]());

describe.each(["bun", "deno"] as const)("the broker suite in", (runtime) => {
  describeWithRuntime(runtime, (path) => {
    describe.each([
      ["nats", "nats"],
      ["redis", "redis"],
      ["redis", "ioredis"],
    ] as const)("on %s", (engine, library) => {
      describeWithEngine(engine, `with the package of ${library}`, (enginePath) => {
        it("passes on an engine that crashes and starts again", async () => {
          await using running = program.startIn(path, {}, library, enginePath);
          const code = await running.exited;
          expect({ code, stderr: running.stderr }).toEqual({ code: 0, stderr: "" });
          const results = JSON.parse(running.stdout) as CaseResult[];
          expect(results.length).toBeGreaterThan(20);
          expect(results.filter(([, failure]) => failure !== undefined)).toEqual([]);
        }, 120_000);
      });
    });
  });
});
