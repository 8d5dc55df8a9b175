import { expect, it } from "vitest";
import { TimerWheel } from "../../../src/connection/timer-wheel.ts";
import { PendingRequests } from "../../../src/server/requests/pending-requests.ts";
import { ManualClock } from "../../connection/support.ts";

function pendingRequests() {
  const clock = new ManualClock();
  const pending = new PendingRequests(1, new TimerWheel(clock), 1000);
  let close!: () => void;
  let settle!: () => void;
  const work = new Promise<void>((resolve) => (settle = resolve));
  const whenClosed = (listener: () => void): void => void (close = listener);
  return { clock, pending, work, whenClosed, close: () => close(), settle: () => settle() };
}

it("counts a request until its response has closed, if its handler has returned", () => {
  const { pending, whenClosed, close } = pendingRequests();
  pending.count(undefined, whenClosed);
  expect(pending.hasRoom).toBe(false);
  close();
  close();
  expect(pending.hasRoom).toBe(true);
  pending.count(undefined, whenClosed);
  expect(pending.hasRoom).toBe(false);
});

it("counts a request until its handler has returned and its response has closed", async () => {
  const { pending, work, whenClosed, close, settle } = pendingRequests();
  pending.count(work, whenClosed);
  settle();
  await work;
  expect(pending.hasRoom).toBe(false);
  close();
  expect(pending.hasRoom).toBe(true);
});

it("counts a request for a limited time after its client has left", async () => {
  const { clock, pending, work, whenClosed, close, settle } = pendingRequests();
  pending.count(work, whenClosed);
  close();
  clock.advance(900);
  expect(pending.hasRoom).toBe(false);
  clock.advance(300);
  expect(pending.hasRoom).toBe(true);
  settle();
  await work;
  expect(pending.hasRoom).toBe(true);
});

it("counts a request no longer when its handler returns after its client has left", async () => {
  const { pending, work, whenClosed, close, settle } = pendingRequests();
  pending.count(work, whenClosed);
  close();
  settle();
  await work;
  await Promise.resolve();
  expect(pending.hasRoom).toBe(true);
});
