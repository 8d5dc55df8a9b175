import { expect, it } from "vitest";
import { runSteps } from "../../../src/testing/channels/channel-case.ts";

it("runs the steps of a script one after the other", async () => {
  const ran: number[] = [];
  await runSteps([1, 2, 3], async (step) => {
    await Promise.resolve();
    ran.push(step);
  });
  expect(ran).toEqual([1, 2, 3]);
});

it("fails with the step that failed, and its cause", async () => {
  const cause = new Error("got nothing");
  const result = runSteps([{ a: 1 }, { b: 2 }], async (step) => {
    if ("b" in step) throw cause;
  });
  await expect(result).rejects.toMatchObject({
    message: 'step 2 of 2, {"b":2}: got nothing',
    cause,
  });
});
