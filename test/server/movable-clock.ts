import { vi } from "vitest";

/** Lets a test move the clock of the process, until mocks are restored; returns how to move it. */
export function movableClock(): (ms: number) => void {
  const now = performance.now.bind(performance);
  let movedMs = 0;
  vi.spyOn(performance, "now").mockImplementation(() => now() + movedMs);
  return (ms) => {
    movedMs += ms;
  };
}
