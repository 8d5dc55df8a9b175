import { TimerWheel } from "../connection/timer-wheel.ts";

/** The process's one wheel: handshakes, heartbeats and closing handshakes all turn on it. */
export const wheel: TimerWheel = new TimerWheel({
  nowMs: () => performance.now(),
  schedule: (callback, delayMs) => {
    setTimeout(callback, delayMs).unref();
  },
});
