import { checkInteger, checkRecord, invalidOption } from "../../errors/check-options.ts";

/** Options of `topic.enter`. */
export interface EnterOptions {
  /**
   * How long the member stays after its connection is lost, in milliseconds. A member leaves at once if its
   * client closes the connection with 1000 or 1001. After `close` of `Topics`, the members stay for this time
   * too, so that their clients can enter on another server. Default: 0, a member leaves at once.
   */
  readonly graceMs?: number;
  /**
   * Identifies the entry of the member: 1 to 128 characters of `A-Z a-z 0-9 _ -`, unique for this member and
   * topic on all servers. If this server has an entry with the key, the new one takes its place. With a key,
   * the option `presence` of the topic may be off: use `watchMembers` to see the members. Default: a random
   * key.
   */
  readonly key?: string;
  /**
   * The key of an earlier entry of the same member, on any server, or up to 16 keys. These entries are removed
   * once the new entry is stored, so the member is present throughout.
   */
  readonly replaces?: string | readonly string[];
}

/** Options of `topic.leave`. */
export interface LeaveOptions {
  /** The keys of 1 to 16 entries of one member, on any server. */
  readonly keys: readonly string[];
  /** The option `graceMs` with which the member entered, in milliseconds. Default: 0. */
  readonly graceMs?: number;
}

/** The maximum number of keys in `replaces` and `keys`. */
const MAX_KEYS = 16;

const KEY = /^[\w-]{1,128}$/;
const KEY_FORM = "1 to 128 characters of A-Z a-z 0-9 _ -";

/** @throws UsageError `INVALID_OPTION` */
export function checkEnterOptions(options: EnterOptions): void {
  checkRecord("enter", options);
  const { graceMs, key, replaces } = options;
  if (graceMs !== 0) checkInteger("enter", "graceMs", graceMs);
  if (key !== undefined && !isKey(key)) throw invalidOption("enter", "key", key, KEY_FORM);
  if (replaces === undefined || isKey(replaces) || areKeys(replaces)) return;
  throw invalidOption("enter", "replaces", replaces, `${KEY_FORM}, or up to ${MAX_KEYS} such keys`);
}

/** @throws UsageError `INVALID_OPTION` */
export function checkLeaveOptions(options: LeaveOptions): void {
  checkRecord("leave", options);
  const { keys, graceMs = 0 } = options;
  if (graceMs !== 0) checkInteger("leave", "graceMs", graceMs);
  if (areKeys(keys) && keys.length > 0) return;
  throw invalidOption("leave", "keys", keys, `1 to ${MAX_KEYS} keys of ${KEY_FORM}`);
}

function isKey(value: unknown): value is string {
  return typeof value === "string" && KEY.test(value);
}

function areKeys(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= MAX_KEYS && value.every(isKey);
}
