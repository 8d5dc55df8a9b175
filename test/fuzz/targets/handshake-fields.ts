/** Header fields for the targets with opening handshakes, valid and unusual. */
import * as fc from "fast-check";

export type Field = readonly [name: string, value: string];

const NAMES = [
  "Host",
  "Upgrade",
  "Connection",
  "Sec-WebSocket-Key",
  "Sec-WebSocket-Version",
  "Sec-WebSocket-Accept",
  "Sec-WebSocket-Protocol",
  "Sec-WebSocket-Extensions",
  "Content-Length",
  "Transfer-Encoding",
  "TE",
  "Keep-Alive",
  "__proto__",
  "constructor",
];

const VALUES = [
  "websocket",
  "WebSocket",
  "Upgrade",
  "keep-alive, Upgrade",
  "h2c, websocket",
  "13",
  "8",
  "13, 8",
  "CONNECT",
  "https",
  "wss",
  "/a#b",
  "trailers",
  "gzip",
  "dGhlIHNhbXBsZSBub25jZQ==",
  "dGhlIHNhbXBsZSBub25jZR==",
  "localhost",
  "[::1]:80",
  "a b",
  "chat",
  "superchat",
  "chat, superchat",
  "chat, chat",
  "permessage-deflate",
  'permessage-deflate; client_max_window_bits="15"',
  "x-unknown; a",
  "0",
  "5",
  "chunked",
  "",
  ",",
  "\u00a0",
  // U+212A, which becomes a k in lower case.
  "websoc\u212aet",
];

const oddValue = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...VALUES) },
  { weight: 1, arbitrary: fc.string({ unit: "binary-ascii", maxLength: 12 }) },
);

/** `right` with some fields omitted, and unusual ones inserted anywhere. */
export function fieldsLike(right: readonly Field[]): fc.Arbitrary<Field[]> {
  // Fields of `right` can also occur twice or with the value of another.
  const names = right.map(([name]) => name);
  const odd = fc.tuple(fc.constantFrom(...NAMES, ...names, ...names), oddValue);
  return fc
    .tuple(
      fc.subarray([...right], { minLength: Math.max(0, right.length - 1) }),
      fc.array(fc.tuple(odd, fc.nat(20)), { maxLength: 3 }),
    )
    .map(([kept, added]) =>
      added.reduce(
        (fields, [field, at]) => fields.toSpliced(at % (fields.length + 1), 0, field),
        kept,
      ),
    );
}
