import { vi } from "vitest";

/** Below the timeout of a test, so that a wait that hangs reports its line. */
const TIMEOUT_MS = 25_000;

// One second, the default of vitest, is too short on a busy machine.
const { waitFor, waitUntil } = vi;
vi.waitFor = (callback, options) => waitFor(callback, withTimeout(options));
vi.waitUntil = (callback, options) => waitUntil(callback, withTimeout(options));

function withTimeout(options: Parameters<typeof waitFor>[1] = {}): Parameters<typeof waitFor>[1] {
  return typeof options === "number" ? options : { timeout: TIMEOUT_MS, ...options };
}
