import { vi } from "vitest";

/**
 * Mocks the clock of the process. Returns a function that advances it, until mocks are restored.
 */
export function movableClock(): (ms: number) => void {
  const now = performance.now.bind(performance);
  let movedMs = 0;
  vi.spyOn(performance, "now").mockImplementation(() => now() + movedMs);
  return (ms) => {
    movedMs += ms;
  };
}
