import { UsageError } from "../errors/index.ts";
import type { Member } from "./topic-message.ts";

const MAX_ID_LENGTH = 128;
const MAX_VALUE_LENGTH = 16_384;

/**
 * A member as the broker keeps it.
 *
 * @throws UsageError `INVALID_MEMBER` for an id that is none, and for data that JSON cannot express
 *   in 16,384 characters
 */
export function writeMember({ id, data }: Member): string {
  if (!isMemberId(id)) {
    throw new UsageError("INVALID_MEMBER", `an id is a text of 1 to ${MAX_ID_LENGTH} characters`);
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

/** @returns undefined for what no node of this version, or one compatible with it, has written */
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

/** Whether two members that were read are the same in all there is to know. */
export function isSameMember(one: Member, other: Member | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function isMemberId(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= MAX_ID_LENGTH;
}
