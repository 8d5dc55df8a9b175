/** The close codes of RFC 6455 7.4.1 and of the IANA registry of WebSocket close codes. */
export const CloseCode = {
  Normal: 1000,
  GoingAway: 1001,
  ProtocolError: 1002,
  UnsupportedData: 1003,
  /** Never on the wire: the peer's Close frame had no code. */
  NoStatusReceived: 1005,
  /** Never on the wire: the connection ended without a Close frame. */
  Abnormal: 1006,
  InvalidPayload: 1007,
  PolicyViolation: 1008,
  MessageTooBig: 1009,
  MandatoryExtension: 1010,
  InternalError: 1011,
  ServiceRestart: 1012,
  TryAgainLater: 1013,
  BadGateway: 1014,
  /** Never on the wire: the TLS handshake failed. */
  TlsHandshake: 1015,
} as const;

export type CloseCode = (typeof CloseCode)[keyof typeof CloseCode];

/** RFC 6455 5.5 and 5.5.1: a control frame has at most 125 bytes, and two of them are the close code. */
export const MAX_CLOSE_REASON_BYTES = 123;

/** Whether a loop over messages ends without an error at this close code. */
export function isExpectedEnd(code: number | undefined): boolean {
  return [1000, 1001, 1005].includes(code!);
}

/**
 * Whether a Close frame may carry `code`: 1000-1014 less the reserved 1004, 1005 and 1006, and
 * 3000-4999 (RFC 6455 7.4.1, 7.4.2).
 */
export function isCloseCodeOnWire(code: number): boolean {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && (code < 1004 || code > 1006);
}
