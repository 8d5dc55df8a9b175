/**
 * Whether this package uses what Node does not document, where a check finds it to be as expected:
 * connections without a socket ({@link ./first-look/first-look.ts}), reads into a shared buffer, writes
 * without a stream before them, and how much of a write has left ({@link ./tcp}), zlib's streams driven
 * directly ({@link ./deflate/persistent.ts}), the listener by which `node:http` reads
 * ({@link ./http/request-feed.ts}), the state and the signal of a `Request`, and the body of a `Response`
 * ({@link ./requests/lazy-request.ts}, {@link ./requests/lazy-signal.ts}, {@link ./requests/whole-body.ts}), and events
 * made without their constructor ({@link ./client/dispatch-message.ts}). Tests say no, to see that all works without.
 */
export const undocumented: { isUsed: boolean } = { isUsed: true };
