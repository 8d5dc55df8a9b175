/** The WebSockets that have completed the closing handshake. */
const cleanlyClosed = new WeakSet<object>();

/** Remembers that both sides have sent a Close frame. Call it before the event `close` is emitted. */
export function markClean(webSocket: object): void {
  cleanlyClosed.add(webSocket);
}

/** Whether `markClean` was called. */
export function wasClosedCleanly(webSocket: object): boolean {
  return cleanlyClosed.has(webSocket);
}
