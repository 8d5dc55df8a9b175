/**
 * Parses a URL. Returns undefined if it is not valid.
 *
 * URL.canParse refuses non-ASCII characters in Node.js 20 and 22 once it is optimized.
 */
export function tryParseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
