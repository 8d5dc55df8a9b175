import { invalidOption } from "../../errors/check-options.ts";
import { UsageError } from "../../errors/index.ts";
import { quote } from "../../errors/quote.ts";
import type { StandardSchema } from "../../schema/standard-schema.ts";
import { TopicPattern } from "../../topic-names/topic-pattern.ts";
import type { CallDefinition, Contract } from "../contract/contract.ts";
import { checkKnown, checkObject } from "./limits.ts";

/** A rule: a function, or `true` to allow everything. */
export type AnyRule = boolean | ((context: never) => unknown);

/** The kinds of rules of a topic. */
export type RuleKind = "subscribe" | "publish" | "enter";

/** The rules of one topic pattern. */
export type AnyRules = Readonly<Partial<Record<RuleKind, AnyRule>>>;

/** The handler of a call or stream. */
export type AnyHandler = (input: never, context: never) => unknown;

/** The topics of one pattern, with their rules. */
export interface CompiledTopic {
  readonly pattern: TopicPattern;
  readonly rules: AnyRules;
  readonly draftSchema: StandardSchema;
  readonly messageSchema: StandardSchema;
  readonly memberSchema: StandardSchema | undefined;
  readonly isVolatile: boolean;
}

/** A call or stream with its handler. */
export interface CompiledCall {
  readonly name: string;
  readonly handler: AnyHandler;
  /** Undefined for a call without input. */
  readonly inputSchema: StandardSchema | undefined;
  readonly isStream: boolean;
  readonly isIdempotent: boolean;
  readonly isResumable: boolean;
  readonly errors: ReadonlySet<string>;
}

const RULE_KINDS: readonly RuleKind[] = ["subscribe", "publish", "enter"];

/** @throws UsageError `INVALID_OPTION` */
export function compileTopics(contract: Contract, rules: unknown = {}): CompiledTopic[] {
  const topics = contract.topics ?? {};
  checkObject("rules", rules);
  checkKnown("rules", rules, new Set(Object.keys(topics)), "a topic of the contract");
  return Object.entries(topics).map(([text, topic]) => {
    const ofTopic = ownOf(rules as Record<string, AnyRules | undefined>, text) ?? {};
    checkRules(text, ofTopic);
    const { message, publish = message, member, isVolatile = false } = topic;
    return {
      pattern: new TopicPattern(text),
      rules: ofTopic,
      draftSchema: publish,
      messageSchema: message,
      memberSchema: member,
      isVolatile,
    };
  });
}

/** @throws UsageError `INVALID_OPTION`, or `MISSING_HANDLER` if a call has no handler */
export function compileCalls(
  contract: Contract,
  handlers: unknown = {},
): Map<string, CompiledCall> {
  const calls = contract.calls ?? {};
  checkObject("calls", handlers);
  checkKnown("calls", handlers, new Set(Object.keys(calls)), "a call of the contract");
  const compiled = Object.entries(calls).map(([name, call]): [string, CompiledCall] => [
    name,
    compileCall(name, call, ownOf(handlers as Record<string, unknown>, name)),
  ]);
  return new Map(compiled);
}

/** The names of the calls and streams that a client may send again after a reconnect. */
export function repeatable(calls: ReadonlyMap<string, CompiledCall>): string[] {
  return [...calls.values()]
    .filter(({ isIdempotent, isResumable }) => isIdempotent || isResumable)
    .map(({ name }) => name);
}

/** The patterns without any rule: clients cannot use these topics. */
export function topicsWithoutRules(topics: readonly CompiledTopic[]): string[] {
  return topics
    .filter(({ rules }) => RULE_KINDS.every((kind) => rules[kind] === undefined))
    .map(({ pattern }) => pattern.text);
}

function compileCall(name: string, call: CallDefinition, handler: unknown): CompiledCall {
  if (typeof handler !== "function") {
    throw new UsageError(
      "MISSING_HANDLER",
      `channels: the call ${quote(name)} of the contract has no handler; add it to calls`,
    );
  }
  return {
    name,
    handler: handler as AnyHandler,
    inputSchema: call.input,
    isStream: call.item !== undefined,
    isIdempotent: call.isIdempotent === true,
    isResumable: call.isResumable === true,
    errors: new Set(Object.keys(call.errors ?? {})),
  };
}

function checkRules(pattern: string, rules: unknown): asserts rules is AnyRules {
  const where = `rules[${quote(pattern)}]`;
  checkObject(where, rules);
  checkKnown(where, rules, new Set(RULE_KINDS), "a rule");
  for (const [kind, rule] of Object.entries(rules)) {
    if (typeof rule === "function" || rule === undefined) continue;
    // `false` says the same as a missing rule.
    if (typeof rule === "boolean" && kind !== "enter") continue;
    throw invalidOption(
      "channels",
      `${where}.${kind}`,
      rule,
      kind === "enter" ? "a function" : "true or a function",
    );
  }
}

/** The own property of an object, so that a topic may have the name of a method of Object. */
function ownOf<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
