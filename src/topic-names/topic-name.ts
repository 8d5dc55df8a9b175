/** The maximum length of a topic's name, in UTF-16 code units. */
export const MAX_NAME_LENGTH = 256;

// In UTF-8, a lone surrogate becomes U+FFFD, so two different names could become the same topic.
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Returns whether `value` is a valid topic name: a string of 1 to 256 characters, without lone surrogates.
 * Use it to check names that clients send.
 */
export function isTopicName(value: unknown): value is string {
  return (
    typeof value === "string" &&
    value !== "" &&
    value.length <= MAX_NAME_LENGTH &&
    !LONE_SURROGATE.test(value)
  );
}
