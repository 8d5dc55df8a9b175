import { checkOptions, checkWhole, invalidOption } from "./options.ts";

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
   * The key of an earlier entry of the same member, on any server. It is removed once the new entry is stored,
   * so the member is present throughout.
   */
  readonly replaces?: string;
}

const KEY = /^[\w-]{1,128}$/;

/** @throws UsageError `INVALID_OPTION` */
export function checkEnterOptions(options: EnterOptions): void {
  checkOptions("enter", options);
  const { graceMs, key, replaces } = options;
  if (graceMs !== 0) checkWhole("enter", "graceMs", graceMs);
  checkKey("key", key);
  checkKey("replaces", replaces);
}

function checkKey(name: string, value: unknown): void {
  if (value === undefined || (typeof value === "string" && KEY.test(value))) return;
  throw invalidOption("enter", name, value, "1 to 128 characters of A-Z a-z 0-9 _ -");
}
