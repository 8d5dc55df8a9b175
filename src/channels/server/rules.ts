import { UsageError } from "../../errors/index.ts";
import { quote } from "../../errors/quote.ts";
import { isInstance } from "../../schema/values.ts";
import type { ErrorFields } from "../wire/frames.ts";
import type { RuleKind } from "./compile.ts";
import type { ChannelConnection } from "./connection.ts";
import { Deadline } from "./deadline.ts";
import { FORBIDDEN, INTERNAL } from "./failures.ts";
import { Refusal } from "./refusals.ts";
import { settle } from "./settle.ts";
import type { TopicEntry } from "./topic-table.ts";

/**
 * Runs a rule of a topic for a client. Calls `onAllowed` with the rule's result only if that is `true` (not
 * for `enter`), or an object (not for `subscribe`). Calls `onDenied` in any other case: also if there is no rule, or it
 * throws, which is reported. Calls back at once unless the rule returns a promise.
 *
 * @param onDenied its parameter is true if the rule threw
 */
export function runRule(
  connection: ChannelConnection,
  entry: TopicEntry,
  kind: RuleKind,
  draft: unknown,
  onAllowed: (result: unknown) => void,
  onDenied: (hasThrown: boolean) => void,
): void {
  const { environment } = connection;
  settle(
    () => callRule(connection, entry, kind, draft),
    (result) => {
      if (isAllowing(kind, result)) onAllowed(result);
      else onDenied(false);
    },
    (error) => {
      environment.report(error, { kind, name: entry.name });
      onDenied(true);
    },
  );
}

/**
 * Runs the subscribe rule of a topic again. Calls `onDenied` with the reason unless the rule allows. A rule that has
 * not settled within `authTimeoutMs` denies, and is reported. Resolves when this is decided. Never rejects.
 */
export function recheckRule(
  connection: ChannelConnection,
  entry: TopicEntry,
  onDenied: (reason: ErrorFields) => void,
): Promise<void> {
  const { environment } = connection;
  const { limits, timers, dateNowMs } = environment;
  return new Promise((resolve) => {
    const deadline = new Deadline(timers, dateNowMs);
    let isDecided = false;
    const decide = (denial?: ErrorFields): void => {
      if (isDecided) return;
      isDecided = true;
      deadline.cancel();
      if (denial !== undefined) onDenied(denial);
      resolve();
    };
    const deny = (hasThrown: boolean): void => decide(hasThrown ? INTERNAL : FORBIDDEN);
    runRule(connection, entry, "subscribe", undefined, () => decide(), deny);
    if (isDecided) return;
    deadline.set(dateNowMs() + limits.authTimeoutMs, () => {
      environment.report(ruleTimeout(entry.name, limits.authTimeoutMs), {
        kind: "subscribe",
        name: entry.name,
      });
      decide(INTERNAL);
    });
  });
}

function ruleTimeout(topic: string, timeoutMs: number): UsageError {
  return new UsageError(
    "RULE_TIMEOUT",
    `channels: the subscribe rule of ${quote(topic)} ran again, and did not settle within authTimeoutMs ${timeoutMs}`,
  );
}

function callRule(
  connection: ChannelConnection,
  entry: TopicEntry,
  kind: RuleKind,
  draft: unknown,
): unknown {
  const { intercept } = connection.environment;
  const rule = entry.compiled.rules[kind];
  if (rule === undefined || rule === false) return false;
  const { name, params } = entry;
  const { state } = connection;
  const run = (): unknown => {
    if (rule === true) return true;
    const context = { topic: name, params, state, session: connection };
    return rule((kind === "publish" ? { ...context, draft } : context) as never);
  };
  if (intercept === undefined) return run();
  return intercept({ kind, name, params, state, session: connection }, run);
}

/** Whether a rule's result allows: `true`, the message, or the member. */
function isAllowing(kind: RuleKind, result: unknown): boolean {
  if (kind !== "enter" && result === true) return true;
  if (kind === "subscribe" || typeof result !== "object" || result === null) return false;
  return !isInstance(result, Error) && !isInstance(result, Refusal);
}
