/** What JSON leaves as it is though a terminal may obey it, or show the line in another order. */
const UNSAFE = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * A peer's text in quotes, for the message of an error: with an escape for every character by which
 * it could forge the log, or the terminal, that the message is printed to.
 */
export function quote(text: string): string {
  return JSON.stringify(text).replaceAll(
    UNSAFE,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
