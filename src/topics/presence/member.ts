import { UsageError } from "../../errors/index.ts";
import { isRecord } from "../../errors/record.ts";
import type { Member } from "../messages/topic-message.ts";

const MAX_ID_LENGTH = 128;
const MAX_VALUE_LENGTH = 16_384;

/** The maximum length of the fields that an entry has in addition to its member: 16 keys, and a time. */
const MAX_OTHER_LENGTH = 2_304;

/**
 * Writes a member as the text that the broker stores: the value of a presence entry.
 *
 * @throws UsageError `INVALID_MEMBER` if the id is not valid, or JSON cannot express the data in 16,384
 *   characters
 */
export function writeMember(member: Member): string {
  const { id, data } = isRecord(member) ? member : ({} as Partial<Member>);
  if (!isMemberId(id)) {
    throw new UsageError(
      "INVALID_MEMBER",
      `the id of a member must be a string of 1 to ${MAX_ID_LENGTH} characters`,
    );
  }
  let value: string;
  try {
    value = JSON.stringify({ v: 1, id, data });
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

/** Fields of a presence entry in addition to its member. */
export interface EntryFields {
  /** The keys of the entries that this one replaces. */
  readonly replaces?: readonly string[] | undefined;
  /** The time after which the entry expires, if no server renews it any more. In milliseconds. */
  readonly endsInMs?: number | undefined;
}

/** The value of a presence entry. Without a member, the entry only hides the entries that it replaces. */
export interface MemberEntry extends EntryFields {
  readonly member?: Member;
}

/** Adds fields to the value of an entry. */
export function withFields(value: string, { replaces, ...others }: EntryFields): string {
  const fields = { ...others, ...(replaces?.length && { replaces }) };
  return JSON.stringify({ ...(JSON.parse(value) as object), ...fields });
}

/** Writes an entry that has no member, and hides the entries that it replaces. */
export function writeHiding(replaces: readonly string[]): string {
  return JSON.stringify({ v: 1, replaces });
}

/** Reads the value of an entry. @returns undefined if it was not written by a compatible version */
export function readMember(value: string): MemberEntry | undefined {
  if (value.length > MAX_VALUE_LENGTH + MAX_OTHER_LENGTH) return undefined;
  try {
    const read: unknown = JSON.parse(value);
    if (typeof read !== "object" || read === null) return undefined;
    const { v, id, data, replaces, endsInMs } = read as Record<string, unknown>;
    if (v !== 1) return undefined;
    return {
      ...(isMemberId(id) && { member: data === undefined ? { id } : { id, data } }),
      ...(areKeys(replaces) && { replaces }),
      ...(isDuration(endsInMs) && { endsInMs }),
    };
  } catch {
    return undefined;
  }
}

/** Whether two members have the same id and the same data. */
export function isSameMember(one: Member, other: Member | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function areKeys(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((key) => typeof key === "string");
}

function isDuration(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function isMemberId(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= MAX_ID_LENGTH;
}
