/** Characters that JSON does not escape, although they can control a terminal or reorder a line. */
const UNSAFE = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * Quotes a peer's text for an error message. Escapes every character that could forge a line of the log or
 * control the terminal.
 */
export function quote(text: string): string {
  return JSON.stringify(text).replaceAll(
    UNSAFE,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
