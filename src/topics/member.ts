import { UsageError } from "../errors/index.ts";
import { isObject } from "./options.ts";
import type { Member } from "./topic-message.ts";

const MAX_ID_LENGTH = 128;
const MAX_VALUE_LENGTH = 16_384;

/**
 * A member as the text that the broker keeps.
 *
 * @throws UsageError `INVALID_MEMBER` if the id is not valid, or JSON cannot express the data in 16,384
 *   characters
 */
export function writeMember(member: Member): string {
  const { id, data } = isObject(member) ? member : ({} as Partial<Member>);
  if (!isMemberId(id)) {
    throw new UsageError(
      "INVALID_MEMBER",
      `a member needs an id, which is a text of 1 to ${MAX_ID_LENGTH} characters`,
    );
  }
  let value: string;
  try {
    value = JSON.stringify({ v: 1, id, data });
  } catch (cause) {
    throw new UsageError("INVALID_MEMBER", "JSON cannot express the data", { cause });
  }
  if (value.length <= MAX_VALUE_LENGTH) return value;
  throw new UsageError(
    "INVALID_MEMBER",
    `a member of ${value.length} characters of JSON exceeds ${MAX_VALUE_LENGTH}`,
  );
}

/** @returns undefined for a text that no compatible version has written */
export function readMember(value: string): Member | undefined {
  if (value.length > MAX_VALUE_LENGTH) return undefined;
  try {
    const read: unknown = JSON.parse(value);
    if (typeof read !== "object" || read === null) return undefined;
    const { v, id, data } = read as Record<string, unknown>;
    if (v !== 1 || !isMemberId(id)) return undefined;
    return data === undefined ? { id } : { id, data };
  } catch {
    return undefined;
  }
}

/** Compares two members that were read: same id and same data. */
export function isSameMember(one: Member, other: Member | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function isMemberId(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= MAX_ID_LENGTH;
}
