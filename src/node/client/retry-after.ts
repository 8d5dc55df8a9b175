/** The longest wait that a server may ask for, so that a wrong clock does not stop a client for ever. */
const MAX_RETRY_AFTER_MS = 300_000;

/** The three forms of an HTTP-date (RFC 9110 5.6.7), each in GMT. */
const HTTP_DATE = new RegExp(
  "^(?:" +
    [
      String.raw`[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT`,
      String.raw`[A-Z][a-z]+day, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT`,
      String.raw`[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}`,
    ].join("|") +
    ")$",
);

/**
 * Reads `Retry-After` (RFC 9110 10.2.3): seconds or an HTTP-date.
 *
 * @returns how long to wait, from 0 to 300,000 ms; undefined for a value that is neither
 */
export function readRetryAfter(value: string | null, nowMs: number): number | undefined {
  if (value === null) return undefined;
  const waitMs = /^\d+$/.test(value) ? Number(value) * 1000 : parseDate(value) - nowMs;
  if (Number.isNaN(waitMs)) return undefined;
  return Math.min(Math.max(waitMs, 0), MAX_RETRY_AFTER_MS);
}

function parseDate(value: string): number {
  if (!HTTP_DATE.test(value)) return Number.NaN;
  // The last form, asctime of the C library, has no time zone.
  return Date.parse(value.endsWith("GMT") ? value : `${value} GMT`);
}
