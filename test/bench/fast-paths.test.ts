import { expect, it } from "vitest";
import { unusedIn } from "../../bench/src/run/fast-paths.ts";

it("finds the fast paths that are not used in the debug log", () => {
  const log = [
    "TIDEWAY 7: server 1 listens on port 80",
    "TIDEWAY 7: fast path not used: writes to a TCP handle, because other code has replaced it",
    "TIDEWAY 7: fast path not used: all of one server, because its option fastPaths is false",
  ].join("\n");
  expect(unusedIn(log)).toBe("not in use: writes to a TCP handle; all of one server");
  expect(unusedIn("TIDEWAY 7: server 1 listens on port 80")).toBe("all in use");
});
