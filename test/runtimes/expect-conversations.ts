import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Runtime } from "../support/runtimes.ts";
import { describeWithRuntime } from "../support/with-runtime.ts";
import { type ClientKind, Pairs } from "./pairs.ts";

/** The short form of `npm run test:runtimes`: conversations of one runtime with the runtime of the tests. */
export function expectConversations(runtime: Runtime): void {
  let pairs: Pairs;
  beforeAll(async () => (pairs = await Pairs.bundle()));
  afterAll(async () => await pairs[Symbol.asyncDispose]());

  describeWithRuntime(runtime, (path) => {
    it("serves a client of another runtime, and ends when it is stopped", async () => {
      await using server = await pairs.startServer(path);
      expect((await pairs.converse(process.execPath, server, "tideway")).failed).toEqual({});
      expect(await server.stop()).toBe(0);
    });

    describe("connects to a server of another runtime", () => {
      it.each<ClientKind>(["tideway", ...(runtime === "node20" ? [] : ["own" as const])])(
        "with the WebSocket: %s",
        async (kind) => {
          await using server = await pairs.startServer(process.execPath);
          expect((await pairs.converse(path, server, kind)).failed).toEqual({});
        },
      );
    });
  });
}
