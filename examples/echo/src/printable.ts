/**
 * Makes a peer's text safe for a terminal: shows the code of each character that could move the cursor,
 * change the title or change the direction of the text.
 */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}
