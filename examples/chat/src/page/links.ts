/** A piece of a message: text, or a link if it has an `href`. */
export interface TextPart {
  readonly text: string;
  readonly href?: string;
}

const CANDIDATE = /https?:\/\/[^\s<>"]+/gi;

/** Punctuation that ends the sentence rather than the link. */
const TRAILING = /[.,;:!?'*_~\u00bb\u2019\u201d\u2026\u3001\u3002]$/;
const CLOSING: Readonly<Record<string, string>> = { ")": "(", "]": "[", "}": "{" };

/** Splits a message into text and web addresses. */
export function splitLinks(message: string): TextPart[] {
  const parts: TextPart[] = [];
  let end = 0;
  for (const match of message.matchAll(CANDIDATE)) {
    const text = trimEnd(match[0]);
    if (!URL.canParse(text)) continue;
    if (match.index > end) parts.push({ text: message.slice(end, match.index) });
    parts.push({ text, href: new URL(text).href });
    end = match.index + text.length;
  }
  if (end < message.length) parts.push({ text: message.slice(end) });
  return parts;
}

/** Removes trailing punctuation, and a bracket that was opened before the address. */
function trimEnd(address: string): string {
  let length = address.length;
  for (; length > 0; length--) {
    const text = address.slice(0, length);
    const opening = CLOSING[text[length - 1]];
    const isUnmatched =
      opening !== undefined && count(text, text[length - 1]) > count(text, opening);
    if (!isUnmatched && !TRAILING.test(text)) return text;
  }
  return "";
}

function count(text: string, char: string): number {
  return text.split(char).length - 1;
}
