import { MAX_NAME_CHARS } from "./wire/wire.ts";

/** The name of a user that gave no visible name. */
const DEFAULT_NAME = "Guest";

/**
 * Returns `name` in a form that can be shown: without control characters and direction marks, with single
 * spaces, cut to {@link MAX_NAME_CHARS}. Returns {@link DEFAULT_NAME} if nothing visible remains.
 */
export function cleanName(name: string): string {
  const shown = name
    .normalize("NFC")
    .replaceAll(/[\p{Surrogate}\p{Bidi_Control}]/gu, "")
    .replaceAll(/[\p{Control}\s]+/gu, " ");
  const cut = cutTo(shown.trim(), MAX_NAME_CHARS).trim();
  return nameKey(cut) === "" ? DEFAULT_NAME : cut;
}

/** Two names with the same key count as the same name: case and invisible characters do not matter. */
export function nameKey(name: string): string {
  return name
    .normalize("NFKC")
    .toLowerCase()
    .replaceAll(/[\p{Default_Ignorable_Code_Point}\s]/gu, "");
}

/** Returns `name`, or `name` with the first of the numbers 1, 2, 3... that makes it unique. */
export function freeName(name: string, isTaken: (key: string) => boolean): string {
  let candidate = name;
  for (let number = 1; isTaken(nameKey(candidate)); number++) {
    candidate = cutTo(name, MAX_NAME_CHARS - String(number).length) + String(number);
  }
  return candidate;
}

/** Cuts between code points, so that it never splits a surrogate pair. */
function cutTo(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  return Array.from(text.slice(0, maxChars * 2))
    .slice(0, maxChars)
    .join("");
}
