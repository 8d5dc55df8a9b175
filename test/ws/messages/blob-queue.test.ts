import { describe, expect, it } from "vitest";
import { BlobQueue } from "../../../src/ws/messages/blob-queue.ts";
import { countShifts } from "../../support/count-shifts.ts";

describe("a BlobQueue", () => {
  it("removes a task without moving the tasks after it, as there may be many", async () => {
    const run: unknown[] = [];
    const shifts = await countShifts(async () => {
      await new Promise<void>((resolve) => {
        const queue = new BlobQueue({ onBlobsSent: resolve, onBlobFailed() {} });
        queue.addBlob(new Blob(["ab"]), (bytes) => run.push(bytes), undefined);
        for (const name of ["first", "second"]) queue.add(1, () => run.push(name), undefined);
        expect(queue.queuedBytes).toBe(4);
      });
    });
    expect(run).toEqual([new TextEncoder().encode("ab"), "first", "second"]);
    expect(shifts).toBe(0);
  });
});
