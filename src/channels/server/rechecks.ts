import { TidewayError } from "../../errors/index.ts";
import { quote } from "../../errors/quote.ts";
import type { ErrorFields } from "../wire/frames.ts";
import type { ChannelConnection } from "./connection.ts";
import { Deadline } from "./deadline.ts";
import { FORBIDDEN, INTERNAL } from "./failures.ts";
import { runRule } from "./rules.ts";
import type { TopicEntry } from "./topic-table.ts";

/** A subscription or watch, which a subscribe rule allows. */
interface Ruled {
  readonly entry: TopicEntry;
  readonly isEnded: boolean;
}

/** Ends a subscription or watch for a reason. */
type Revoke = (reason: ErrorFields) => void;

/** A run of a rule, and the run after it. */
interface Recheck {
  readonly current: Promise<void>;
  next?: Promise<void>;
}

/**
 * Runs the subscribe rules of one connection again. Each subscription and watch has at most one run at a time, and one
 * more after it. So a client cannot start any number of runs with fresh credentials.
 */
export class Rechecks {
  readonly #connection: ChannelConnection;
  /** The runs that have not been decided. */
  readonly #running = new Map<Ruled, Recheck>();

  constructor(connection: ChannelConnection) {
    this.#connection = connection;
  }

  /**
   * Runs a rule again, and revokes what it does not allow any more. Resolves when a run that began after the call has
   * decided. Never rejects.
   */
  run(ruled: Ruled, revoke: Revoke): Promise<void> {
    const running = this.#running.get(ruled);
    if (running === undefined) return this.#start(ruled, revoke);
    running.next ??= running.current.then(() => this.#start(ruled, revoke));
    return running.next;
  }

  #start(ruled: Ruled, revoke: Revoke): Promise<void> {
    if (ruled.isEnded) return Promise.resolve();
    const current = this.#decide(ruled, revoke).then(() => void this.#running.delete(ruled));
    this.#running.set(ruled, { current });
    return current;
  }

  /** A rule that has not settled within `authTimeoutMs` denies, and is reported. */
  #decide(ruled: Ruled, revoke: Revoke): Promise<void> {
    const { environment } = this.#connection;
    const { limits, timers, dateNowMs } = environment;
    const { entry } = ruled;
    return new Promise((resolve) => {
      const deadline = new Deadline(timers, dateNowMs);
      let isDecided = false;
      const decide = (denial?: ErrorFields): void => {
        if (isDecided) return;
        isDecided = true;
        deadline.cancel();
        if (denial !== undefined && !ruled.isEnded) revoke(denial);
        resolve();
      };
      const deny = (hasThrown: boolean): void => decide(hasThrown ? INTERNAL : FORBIDDEN);
      runRule(this.#connection, entry, "subscribe", undefined, () => decide(), deny);
      if (isDecided) return;
      deadline.set(dateNowMs() + limits.authTimeoutMs, () => {
        const error = ruleTimeout(entry.name, limits.authTimeoutMs);
        environment.report(error, { kind: "subscribe", name: entry.name });
        decide(INTERNAL);
      });
    });
  }
}

function ruleTimeout(topic: string, timeoutMs: number): TidewayError {
  return new TidewayError(
    "RULE_TIMEOUT",
    `channels: the subscribe rule of ${quote(topic)} ran again, and did not settle within authTimeoutMs ${timeoutMs}`,
  );
}
