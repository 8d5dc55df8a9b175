/** The least permissions with which servers, clients and topics work. docs/guides/deploying.md lists them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BundledProgram, type RunningProgram } from "../../support/bundled-program.ts";
import { Engine } from "../../support/engine.ts";
import { describeWithEngine } from "../../support/with-engine.ts";
import { describeWithRuntime } from "../../support/with-runtime.ts";

/** A program reads its own modules, and Node.js asks for a permission for that. */
const READ = "--allow-fs-read=*";

const FLAGS = {
  node22: ["--permission", READ],
  node24: ["--permission", READ],
  node26: ["--permission", READ, "--allow-net"],
  deno: ["run", "--no-prompt", "--allow-net"],
} as const;

const MORE_FOR_REDIS = {
  node22: [],
  node24: [],
  node26: [],
  deno: ["--allow-env=REDIS_DEBUG_MAINTENANCE"],
} as const;

let program: BundledProgram;

beforeAll(async () => {
  program = await BundledProgram.bundle("test/node/environment/permissions-program.ts");
});

afterAll(() => program[Symbol.asyncDispose]());

async function expectDelivery(running: RunningProgram): Promise<void> {
  await running.exited;
  expect(running.stderr).not.toMatch(/error|denied/i);
  expect(running.stdout).toBe("delivered\n");
}

describe.each(["node22", "node24", "node26", "deno"] as const)("the permissions of", (runtime) => {
  describeWithRuntime(runtime, (path) => {
    it("to read modules and to use the network suffice for a server and a client", async () => {
      await using running = program.startWith(path, FLAGS[runtime], {});
      await expectDelivery(running);
    });

    describeWithEngine("redis", "with Redis", (redis) => {
      it("suffice for topics on Redis, with the variable that the package redis reads", async () => {
        await using engine = await Engine.redis(redis);
        const flags = [...FLAGS[runtime], ...MORE_FOR_REDIS[runtime]];
        await using running = program.startWith(path, flags, {}, `${engine.port}`);
        await expectDelivery(running);
      });
    });
  });
});

describe.each([
  ["node26", ["--permission", READ], "--allow-net"],
  ["deno", ["run", "--no-prompt"], "--allow-net"],
] as const)("without the network, serve in", (runtime, flags, permission) => {
  describeWithRuntime(runtime, (path) => {
    it("rejects with LISTEN_FAILED, and names the missing permission", async () => {
      await using running = program.startWith(path, flags, {});
      await running.exited;
      expect(running.stderr).toContain("LISTEN_FAILED");
      expect(running.stderr).toContain(permission);
      expect(running.stdout).toBe("");
    });
  });
});
