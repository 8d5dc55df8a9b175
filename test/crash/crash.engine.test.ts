import { expect, it } from "vitest";
import { describeWithEngine } from "../support/with-engine.ts";
import { countLosses, findViolations } from "./checker.ts";
import { type CrashOptions, runCrashes } from "./run.ts";

for (const engine of ["redis", "nats"] as const) {
  describeWithEngine(engine, `on ${engine}`, (path) => {
    const runs: [string, Pick<CrashOptions, "clientKind" | "seconds" | "clients">][] = [
      ["channels lose nothing in either direction", { seconds: 11, clients: 60 }],
      ["topics lose nothing", { clientKind: "hand-made", seconds: 9, clients: 120 }],
    ];
    it.each(runs)(
      "%s while servers and the engine crash and are cut off",
      async (_, options) => {
        const run = await runCrashes({ engine, path, ...options });
        expect(findViolations(run)).toEqual([]);
        const outcomes = run.publishers.flatMap(({ publishes }) => publishes);
        const stored = outcomes.filter(({ outcome }) => outcome?.type === "stored");
        expect(stored.length).toBeGreaterThan(200);
        // The engine keeps what it acknowledges, and the history is long enough.
        expect(countLosses(run)).toBe(0);
        // There were interruptions to recover from.
        expect(run.connections).toBeGreaterThan(options.clients!);
      },
      120_000,
    );
  });
}
