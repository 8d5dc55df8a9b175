/** `serve({ reusePort: true })` and `node:cluster` in newer releases of Node.js. */
import { expect, it } from "vitest";
import { BundledProgram } from "../../support/bundled-program.ts";
import { NODE_RELEASES } from "../../support/runtimes.ts";
import { describeWithRuntime } from "../../support/with-runtime.ts";
import { expectTwoProcesses, portOf } from "./shared-port.ts";

const PROGRAM = "test/node/serve/shared-port-program.ts";

for (const runtime of NODE_RELEASES) {
  describeWithRuntime(runtime, (path) => {
    // Node.js 20 has no reusePort. The test of serve checks that it is refused there.
    it.runIf(process.platform === "linux" && runtime !== "node20")(
      "two processes share a port by reusePort, and answer handshakes on the fast path",
      async () => {
        await using program = await BundledProgram.bundle(PROGRAM);
        await using first = program.startIn(path, {}, "reuse-port");
        const port = await portOf(first);
        await using second = program.startIn(path, {}, "reuse-port", port);
        expect(await portOf(second)).toBe(port);
        await expectTwoProcesses(port);
      },
    );

    it("workers of node:cluster share a port, and answer handshakes on the fast path", async () => {
      await using program = await BundledProgram.bundle(PROGRAM);
      await using running = program.startIn(path, {}, "cluster");
      await expectTwoProcesses(await portOf(running));
    });
  });
}
