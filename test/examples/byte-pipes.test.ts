import { expect, it, vi } from "vitest";
import { echoOverPipes } from "../../examples/echo/src/byte-pipes.ts";

it("the example of tideway/protocol echoes a message over a pair of pipes", () => {
  const log = vi.spyOn(console, "log").mockReturnValue();
  expect(echoOverPipes("héllo")).toBe("héllo");
  expect(log.mock.calls.flat()).toEqual(["server: closed with 1000", "client: closed with 1000"]);
  log.mockRestore();
});
