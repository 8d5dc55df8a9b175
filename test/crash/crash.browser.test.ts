import { expect, it } from "vitest";
import { describeInBrowser, launchBrowser } from "../support/browser.ts";
import { describeWithEngine } from "../support/with-engine.ts";
import { countLosses, findViolations } from "./checker.ts";
import { runCrashes } from "./run.ts";

describeInBrowser("channels in Chromium and Node", () => {
  describeWithEngine("redis", "with Redis", (path) => {
    it("lose nothing while servers and the engine crash and are cut off", async () => {
      const run = await runCrashes({
        engine: "redis",
        path,
        seconds: 12,
        clients: 20,
        launchBrowser,
      });
      expect(findViolations(run)).toEqual([]);
      expect(countLosses(run)).toBe(0);
      const inBrowser = run.clients.filter(({ name }) => name.startsWith("chromium-"));
      const received = inBrowser.flatMap(({ events }) => events);
      expect(received.filter(({ type }) => type === "publication").length).toBeGreaterThan(100);
    }, 120_000);
  });
});
