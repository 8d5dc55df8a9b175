/**
 * Makes text that a peer had a say in fit for a terminal: what would move the cursor, change the
 * title or turn the direction of writing shows as its code instead.
 */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}
