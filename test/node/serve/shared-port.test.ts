/** Several processes on one port, each of which answers handshakes on the fast path. */
import { expect, it } from "vitest";
import { BundledProgram } from "../../support/bundled-program.ts";
import { expectTwoProcesses, portOf } from "./shared-port.ts";

it.skipIf(process.platform === "win32")(
  "workers of node:cluster share a port, and answer handshakes on the fast path",
  async () => {
    await using program = await BundledProgram.bundle("test/node/serve/shared-port-program.ts");
    await using running = program.start({}, "cluster");
    await expectTwoProcesses(await portOf(running));
    expect(running.stderr).toBe("");
  },
);
