import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DeadlineTask } from "../../../src/node/requests/deadline-task.ts";

beforeEach(() => void vi.useFakeTimers());

afterEach(() => void vi.useRealTimers());

describe("the deadline of a task", () => {
  it.each([
    ["can be brought forward", 200, 100],
    ["cannot be extended", 100, 200],
  ])("%s by a later call", (_, first, second) => {
    const abort = vi.fn<() => void>();
    const task = new DeadlineTask(new Promise(() => {}), abort);
    task.setDeadline(first);
    task.setDeadline(second);
    vi.advanceTimersByTime(99);
    expect(abort).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(abort).toHaveBeenCalledOnce();
  });

  it("is cancelled when the work ends", async () => {
    const abort = vi.fn<() => void>();
    const task = new DeadlineTask(Promise.resolve(), abort);
    task.setDeadline(100);
    await task.done;
    expect(vi.getTimerCount()).toBe(0);
    task.setDeadline(100);
    expect(vi.getTimerCount()).toBe(0);
  });
});
