import { isInstance } from "../../schema/values.ts";
import type { RuleKind } from "./compile.ts";
import type { ChannelConnection } from "./connection.ts";
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
