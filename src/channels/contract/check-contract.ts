import { UsageError } from "../../errors/index.ts";
import { quote } from "../../errors/quote.ts";
import { isStandardSchema } from "../../schema/standard-schema.ts";
import { isTopicName } from "../../topic-names/topic-name.ts";
import { TopicPattern } from "../../topic-names/topic-pattern.ts";
import { isBytesSchema } from "./bytes.ts";

/** The maximum length of the name of a call or error, in UTF-16 code units. */
const MAX_CALL_NAME_LENGTH = 128;

type Part = Readonly<Record<string, unknown>>;

/**
 * Checks a contract at run time. JavaScript code, and code without strict types, can pass anything.
 *
 * @throws UsageError `INVALID_CONTRACT`, `INVALID_SCHEMA`, `INVALID_TOPIC_PATTERN`, `OVERLAPPING_TOPICS`
 */
export function checkContract(contract: unknown): void {
  checkPart("the contract", contract, ["topics", "calls"]);
  const { topics = {}, calls = {} } = contract;
  checkPart("topics", topics);
  checkPart("calls", calls);
  for (const [pattern, topic] of Object.entries(topics)) checkTopic(pattern, topic);
  checkOverlaps(Object.keys(topics).map((pattern) => new TopicPattern(pattern)));
  for (const [name, call] of Object.entries(calls)) checkCall(name, call);
}

function checkTopic(pattern: string, topic: unknown): void {
  const where = `the topic ${quote(pattern)}`;
  checkPart(where, topic, ["message", "publish", "member", "isVolatile"]);
  checkSchema(`${where}: message`, topic["message"]);
  if (topic["publish"] !== undefined) checkSchema(`${where}: publish`, topic["publish"]);
  if (topic["member"] !== undefined) checkJsonSchema(`${where}: member`, topic["member"]);
  checkFlag(where, topic, "isVolatile");
}

function checkOverlaps(patterns: readonly TopicPattern[]): void {
  for (const [index, pattern] of patterns.entries()) {
    const other = patterns.slice(0, index).find((before) => before.overlaps(pattern));
    if (other === undefined) continue;
    throw new UsageError(
      "OVERLAPPING_TOPICS",
      `a name can match both topic patterns ${quote(other.text)} and ${quote(pattern.text)}; change a segment so that they differ`,
    );
  }
}

const CALL_PROPERTIES = ["input", "output", "item", "errors", "isIdempotent", "isResumable"];

function checkCall(name: string, call: unknown): void {
  const where = `the call ${quote(name.slice(0, MAX_CALL_NAME_LENGTH))}`;
  checkName(where, name);
  checkPart(where, call, CALL_PROPERTIES);
  for (const key of ["input", "output", "item"]) {
    if (call[key] !== undefined) checkSchema(`${where}: ${key}`, call[key]);
  }
  checkErrors(where, call["errors"]);
  checkFlag(where, call, "isIdempotent");
  checkFlag(where, call, "isResumable");
  checkKind(where, call);
}

/** Checks that a call and a stream have no properties of the other. */
function checkKind(where: string, call: Part): void {
  if (call["item"] === undefined) {
    if (call["isResumable"] !== true) return;
    throw invalid(where, "isResumable is for streams; add item, or use isIdempotent");
  }
  if (call["output"] !== undefined) {
    throw invalid(where, "it has output and item; a stream has only item, and a call only output");
  }
  if (call["isIdempotent"] === true) {
    throw invalid(where, "it has isIdempotent and item; use isResumable for a stream");
  }
}

function checkErrors(where: string, errors: unknown): void {
  if (errors === undefined) return;
  checkPart(`${where}: errors`, errors);
  for (const [name, schema] of Object.entries(errors)) {
    const ofError = `${where}: the error ${quote(name.slice(0, MAX_CALL_NAME_LENGTH))}`;
    checkName(ofError, name);
    if (name === name.toUpperCase()) {
      throw invalid(
        ofError,
        "its name must have a lower-case letter, because other names are reserved",
      );
    }
    checkJsonSchema(ofError, schema);
  }
}

function checkName(where: string, name: string): void {
  if (name.length <= MAX_CALL_NAME_LENGTH && isTopicName(name)) return;
  throw invalid(
    where,
    `its name has ${name.length} characters; it must have 1 to ${MAX_CALL_NAME_LENGTH}, without lone surrogates`,
  );
}

function checkJsonSchema(where: string, schema: unknown): void {
  checkSchema(where, schema);
  if (isBytesSchema(schema))
    throw invalid(where, "bytes() is not possible here; pass a schema of JSON");
}

function checkSchema(where: string, schema: unknown): void {
  if (isStandardSchema(schema)) return;
  throw new UsageError(
    "INVALID_SCHEMA",
    `${where} is ${shown(schema)}; pass a schema that implements Standard Schema 1, or bytes()`,
  );
}

function checkFlag(where: string, part: Part, name: string): void {
  const value = part[name];
  if (value === undefined || typeof value === "boolean") return;
  throw invalid(where, `${name} is ${shown(value)}; it must be true or false`);
}

function checkPart(
  where: string,
  part: unknown,
  properties?: readonly string[],
): asserts part is Part {
  if (typeof part !== "object" || part === null || Array.isArray(part)) {
    throw invalid(where, `it is ${shown(part)}; it must be an object`);
  }
  if (properties === undefined) return;
  const unknownName = Object.keys(part).find((name) => !properties.includes(name));
  if (unknownName === undefined) return;
  throw invalid(where, `it has ${quote(unknownName)}; the properties are ${properties.join(", ")}`);
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return Array.isArray(value) ? "an array" : `of type ${typeof value}`;
}

function invalid(where: string, reason: string): UsageError {
  return new UsageError("INVALID_CONTRACT", `${where} is not valid: ${reason}`);
}
