/**
 * The fields that describe a connection, in lower case (RFC 9110 7.6.1). An intermediary removes them, and HTTP/2
 * forbids them (RFC 9113 8.2.2).
 */
export const CONNECTION_FIELDS: readonly string[] = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
];
