/** The clock of a runtime. Tests pass a clock that they control. */
export interface Clock {
  /** The time in milliseconds since a fixed moment. Never decreases. */
  nowMs(): number;
  /** Calls `callback` once after about `delayMs`. A pending call must not keep the process alive. */
  schedule(callback: () => void, delayMs: number): void;
}

/** Receives a timeout. An object with a timeout implements this, so that it does not need a closure. */
export interface TimeoutListener {
  onTimeout(): void;
}

/** A timer that can be cancelled. Cancelling it twice, or after it ran, does nothing. */
export interface WheelTimer {
  cancel(): void;
}

const SLOT_COUNT = 512;

/** If a turn of the wheel runs this many ticks late, the event loop was stalled. */
const STALL_TICKS = 3;

/**
 * A hashed timing wheel: any number of timeouts share one timer of the runtime, which runs only while there
 * are timeouts. A timeout never fires early, and fires at most about one tick late.
 *
 * After a stall, for example by a debugger or a suspended machine, the event loop fires timers before it
 * reads pending data. Therefore, the first turn after a stall fires no timeouts. The pending data is read
 * first, and may cancel timeouts that are due.
 */
export class TimerWheel {
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #slots: readonly Ring[] = Array.from({ length: SLOT_COUNT }, () => new Ring());
  /** Timeouts that are being fired. If a callback throws, the next turn fires the rest. */
  readonly #due = new Ring();
  #tick: number;
  /** The last tick with all its timeouts fired. */
  #firedTick: number;
  #count = 0;
  #isRunning = false;
  /** The time for which the next turn is scheduled. */
  #turnDueMs = 0;
  #isAfterStall = false;

  constructor(clock: Clock, tickMs = 100) {
    this.#clock = clock;
    this.#tickMs = tickMs;
    this.#tick = this.#ticksBy(clock.nowMs());
    this.#firedTick = this.#tick;
  }

  /**
   * The time of the last tick in milliseconds. It is cheap to read, and exact to one tick while there are
   * timeouts.
   */
  get coarseNowMs(): number {
    return this.#tick * this.#tickMs;
  }

  /** The time in milliseconds, read from the clock. */
  get nowMs(): number {
    return this.#clock.nowMs();
  }

  /** Calls `listener` once `delayMs` have passed; never if it is Infinity. */
  start(delayMs: number, listener: TimeoutListener | (() => void)): WheelTimer {
    if (!this.#isRunning) this.#run();
    const dueMs = this.#clock.nowMs() + Math.max(0, delayMs);
    // At least the next tick, because the slot of a past tick is not checked again before the wheel has gone
    // around once.
    const nextTick = Math.max(Math.ceil(dueMs / this.#tickMs), this.#tick + 1);
    // A timeout of Infinity never elapses.
    const dueTick = Math.min(nextTick, Number.MAX_SAFE_INTEGER);
    const timeout = new Timeout(this, dueTick, listener);
    this.#slots[dueTick % SLOT_COUNT].append(timeout);
    this.#count++;
    return timeout;
  }

  /** Removes a timeout from the wheel. Only the timeout itself calls this. */
  remove(timeout: Timeout): void {
    if (unlink(timeout)) this.#count--;
  }

  #ticksBy(nowMs: number): number {
    return Math.floor(nowMs / this.#tickMs);
  }

  #run(): void {
    this.#isRunning = true;
    this.#tick = this.#ticksBy(this.#clock.nowMs());
    this.#firedTick = this.#tick;
    this.#isAfterStall = false;
    this.#scheduleTurn();
  }

  #scheduleTurn(): void {
    this.#turnDueMs = this.#clock.nowMs() + this.#tickMs;
    this.#clock.schedule(this.#turn, this.#tickMs);
  }

  readonly #turn = (): void => {
    const nowMs = this.#clock.nowMs();
    const target = this.#ticksBy(nowMs);
    this.#tick = target;
    // Skips only one turn, because an event loop that is always late must still fire its timeouts.
    this.#isAfterStall =
      !this.#isAfterStall && nowMs - this.#turnDueMs >= STALL_TICKS * this.#tickMs;
    if (this.#isAfterStall) {
      this.#scheduleTurn();
      return;
    }
    try {
      this.#fireDue();
      // After a long stall one round reaches every slot.
      const from = Math.max(this.#firedTick, target - SLOT_COUNT) + 1;
      for (let tick = from; tick <= target; tick++) {
        this.#fire(this.#slots[tick % SLOT_COUNT], target);
        this.#firedTick = tick;
      }
    } finally {
      // A callback that throws stops this turn. The next turn continues after it.
      this.#isRunning = this.#count > 0;
      if (this.#isRunning) this.#scheduleTurn();
    }
  };

  #fire(slot: Ring, tick: number): void {
    let at: Link | undefined = slot.next;
    while (at instanceof Timeout) {
      const timeout: Timeout = at;
      at = timeout.next;
      if (timeout.dueTick > tick) continue;
      unlink(timeout);
      this.#due.append(timeout);
    }
    this.#fireDue();
  }

  #fireDue(): void {
    // One at a time from the front, because a callback may cancel the others.
    for (let first = this.#due.next; first instanceof Timeout; first = this.#due.next) {
      this.remove(first);
      first.fire();
    }
  }
}

/** A member of a ring. Both fields are undefined if it is not in a ring. */
interface Link {
  next: Link | undefined;
  previous: Link | undefined;
}

/**
 * The timeouts of a slot, as a doubly linked ring. A Set would need more memory for each timeout. When V8
 * replaces the table of a Set, the old table refers to the new table, so dead connections would keep young
 * objects alive.
 */
class Ring implements Link {
  next: Link = this;
  previous: Link = this;

  append(timeout: Timeout): void {
    const last = this.previous;
    timeout.previous = last;
    timeout.next = this;
    last.next = timeout;
    this.previous = timeout;
  }
}

/** Removes `timeout` from its ring. Returns false if it is in no ring. */
function unlink(timeout: Timeout): boolean {
  const { next, previous } = timeout;
  if (next === undefined || previous === undefined) return false;
  previous.next = next;
  next.previous = previous;
  timeout.next = undefined;
  timeout.previous = undefined;
  return true;
}

class Timeout implements WheelTimer, Link {
  next: Link | undefined;
  previous: Link | undefined;
  readonly dueTick: number;
  readonly #wheel: TimerWheel;
  readonly #listener: TimeoutListener | (() => void);

  constructor(wheel: TimerWheel, dueTick: number, listener: TimeoutListener | (() => void)) {
    this.#wheel = wheel;
    this.dueTick = dueTick;
    this.#listener = listener;
  }

  fire(): void {
    if (typeof this.#listener === "function") this.#listener();
    else this.#listener.onTimeout();
  }

  cancel(): void {
    this.#wheel.remove(this);
  }
}
