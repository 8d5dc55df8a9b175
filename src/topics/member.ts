import { UsageError } from "../errors/index.ts";
import { isObject } from "./options.ts";
import type { Member } from "./topic-message.ts";

const MAX_ID_LENGTH = 128;
const MAX_VALUE_LENGTH = 16_384;

/**
 * Writes a member as the text that the broker stores.
 *
 * @throws UsageError `INVALID_MEMBER` if the id is not valid, or JSON cannot express the data in 16,384
 *   characters
 */
export function writeMember(member: Member, replaces?: string): string {
  const { id, data } = isObject(member) ? member : ({} as Partial<Member>);
  if (!isMemberId(id)) {
    throw new UsageError(
      "INVALID_MEMBER",
      `the id of a member must be a string of 1 to ${MAX_ID_LENGTH} characters`,
    );
  }
  let value: string;
  try {
    value = JSON.stringify({ v: 1, id, data, replaces });
  } catch (cause) {
    throw new UsageError(
      "INVALID_MEMBER",
      "JSON cannot express the data of the member; see cause",
      {
        cause,
      },
    );
  }
  if (value.length <= MAX_VALUE_LENGTH) return value;
  throw new UsageError(
    "INVALID_MEMBER",
    `a member of ${value.length} characters of JSON exceeds the limit of ${MAX_VALUE_LENGTH}; use less data`,
  );
}

/** The value of a presence entry. */
export interface MemberEntry {
  readonly member: Member;
  /** The key of the entry that this one replaces. */
  readonly replaces?: string;
}

/** Reads a member. @returns undefined if the text was not written by a compatible version */
export function readMember(value: string): MemberEntry | undefined {
  if (value.length > MAX_VALUE_LENGTH) return undefined;
  try {
    const read: unknown = JSON.parse(value);
    if (typeof read !== "object" || read === null) return undefined;
    const { v, id, data, replaces } = read as Record<string, unknown>;
    if (v !== 1 || !isMemberId(id)) return undefined;
    const member = data === undefined ? { id } : { id, data };
    return typeof replaces === "string" ? { member, replaces } : { member };
  } catch {
    return undefined;
  }
}

/** Whether two members have the same id and the same data. */
export function isSameMember(one: Member, other: Member | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function isMemberId(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= MAX_ID_LENGTH;
}
