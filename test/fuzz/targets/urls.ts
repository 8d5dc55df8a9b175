import assert from "node:assert/strict";
import * as fc from "fast-check";
import { parseProtocols, parseUrl } from "../../../src/client/web-socket-arguments.ts";
import { UsageError } from "../../../src/errors/index.ts";
import { ClientHandshake } from "../../../src/protocol/handshake/client-handshake.ts";
import { ServerHandshake } from "../../../src/protocol/handshake/server-handshake.ts";
import { plainEnvironment } from "../../protocol/support.ts";
import type { FuzzTarget } from "../target.ts";

interface UrlInput {
  /** The arguments of `new WebSocket(url, protocols)`. */
  readonly url: string;
  readonly protocols: readonly string[];
}

/**
 * A URL and subprotocols throw a SyntaxError, or cause a request that a server reads as exactly
 * that path and those subprotocols, without other fields.
 */
export const urls: FuzzTarget<UrlInput> = {
  name: "urls",

  arbitrary: (corpus) =>
    fc.record({
      url: fc.oneof(
        fc.array(part, { maxLength: 9 }).map((parts) => parts.join("")),
        fc
          .tuple(fc.constantFrom("ws://", "wss://", "http://"), fc.array(part, { maxLength: 6 }))
          .map(([scheme, parts]) => scheme + parts.join("")),
        fc.webUrl({ withFragments: true, withQueryParameters: true }),
        fc.constantFrom("ws://host/", ...corpus.map(({ url }) => url)),
      ),
      protocols: fc.oneof(
        fc.constant([]),
        fc.array(
          fc.constantFrom("chat", "Chat", "v2", "__proto__", "a b", "", "\u00e9", "a\r\nb: c"),
          {
            maxLength: 3,
          },
        ),
      ),
    }),

  check(input) {
    const read = asSyntaxError(() => ({
      url: parseUrl(input.url),
      protocols: parseProtocols([...input.protocols]),
    }));
    if (read === undefined) return;
    const { url, protocols } = read;
    // WHATWG WebSockets, "get a URL record".
    assert.ok(["ws:", "wss:"].includes(url.protocol) && url.hash === "", url.href);
    const request = asUsageError(
      () => new ClientHandshake({ url, protocols }, plainEnvironment).request,
    );
    if (request === undefined) return;
    const outcome = new ServerHandshake().receive(Uint8Array.from(Buffer.from(request, "latin1")));
    if (outcome?.kind === "refuse") {
      // URL accepts hosts that RFC 3986 does not. The client sends them, and this server answers
      // 400.
      assert.match(url.host, /[^\w\-.~!$&'()*+,;=%[\]:]/);
      return;
    }
    assert.equal(outcome?.target, url.pathname + url.search);
    assert.deepEqual(outcome.protocols, protocols);
    assert.deepEqual(outcome.headers.all("host"), [url.host]);
    assert.equal([...outcome.headers].length, protocols.length === 0 ? 5 : 6);
  },
};

const part = fc.oneof(
  fc.constantFrom("ws:", "wss:", "https:", "//", "/", "host", "[::1]", ":80", ":443", ":99999"),
  fc.constantFrom(
    "?a=b",
    "#",
    "..",
    "%2e",
    "%0d%0a",
    "\r\n",
    " ",
    "@",
    "user:pass@",
    "\\",
    "\u00e9",
    "\0",
  ),
  fc.string({ unit: "binary", maxLength: 5 }),
);

function asSyntaxError<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    assert.ok(error instanceof DOMException && error.name === "SyntaxError", String(error));
    return undefined;
  }
}

function asUsageError<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    return undefined;
  }
}
