import { expect, it } from "vitest";
import { describeWithEngine } from "../support/with-engine.ts";
import { countLosses, findViolations } from "./checker.ts";
import { runCrashes } from "./run.ts";

for (const engine of ["redis", "nats"] as const) {
  describeWithEngine(engine, `topics on ${engine}`, (path) => {
    it("lose nothing while servers and the engine crash and are cut off", async () => {
      const run = await runCrashes({ engine, path, seconds: 20 });
      expect(findViolations(run)).toEqual([]);
      expect(run.acknowledgements.length).toBeGreaterThan(500);
      // The engine keeps what it acknowledges, and the history is long enough.
      expect(countLosses(run)).toBe(0);
      // There were interruptions to recover from.
      const connections = run.clients.flatMap(({ events }) =>
        events.filter(({ type }) => type === "subscribed"),
      );
      expect(connections.length).toBeGreaterThan(run.clients.length);
    }, 120_000);
  });
}
