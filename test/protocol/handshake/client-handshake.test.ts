import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HandshakeError, UsageError } from "../../../src/errors/index.ts";
import {
  ClientHandshake,
  type ClientHandshakeOptions,
  type ClientHandshakeOutcome,
  computeAcceptKey,
  type ExtensionOffer,
  serializeExtensions,
  ServerHandshake,
  UnexpectedStatusError,
  writeRefusal,
  writeUpgradeResponse,
} from "../../../src/protocol/handshake/index.ts";
import { nodeProtocolEnvironment } from "../../../src/node/environment/protocol-environment.ts";
import {
  anyCuts,
  catchError,
  everyCut,
  feed,
  fieldValue,
  fromLatin1,
  head,
  latin1,
  SAMPLE_ACCEPT_KEY,
  SAMPLE_KEY,
  sampleEnvironment,
  token,
} from "./support.ts";

type Options = Partial<ClientHandshakeOptions>;

const LINES = [
  "HTTP/1.1 101 Switching Protocols",
  "Upgrade: websocket",
  "Connection: Upgrade",
  `Sec-WebSocket-Accept: ${SAMPLE_ACCEPT_KEY}`,
];
const RESPONSE = head(...LINES);
const FRAME = "\u0081\u0005Hello";
const DEFLATE: ExtensionOffer = { name: "permessage-deflate", params: [] };

function create(options: Options = {}): ClientHandshake {
  const url = new URL("ws://server.example.com/chat");
  return new ClientHandshake({ url, ...options }, sampleEnvironment);
}

function receive(response: string, options?: Options): ClientHandshakeOutcome | undefined {
  return create(options).receive(latin1(response));
}

/** The result for the valid response with its field `name` replaced by `lines`. */
function receiveWith(name: string, lines: string[], options?: Options): unknown {
  const kept = LINES.filter((line) => !line.startsWith(`${name}:`));
  return receive(head(...kept, ...lines), options);
}

function failure(code: string): unknown {
  return {
    kind: "failed",
    error: expect.objectContaining({ code, name: "HandshakeError" }),
    rest: expect.any(Uint8Array),
  };
}

/** A result with all bytes after the response, wherever the input was split. */
function outcomeOf(message: string, cuts: number[], options?: Options): unknown {
  const handshake = create(options);
  const fed = feed(
    (chunk) => {
      const outcome = handshake.receive(chunk);
      // The rest is a view, and the chunk will be overwritten.
      return outcome?.kind === "open"
        ? { ...outcome, headers: [...outcome.headers], rest: fromLatin1(outcome.rest) }
        : outcome;
    },
    latin1(message),
    cuts,
  );
  if (fed?.outcome.kind !== "open") return fed?.outcome;
  return { ...fed.outcome, rest: fed.outcome.rest + fromLatin1(fed.unread) };
}

function within(cuts: readonly number[], { length }: Uint8Array): number[] {
  return cuts.map((cut) => Math.min(cut, length));
}

describe("ClientHandshake.request (RFC 6455 4.1)", () => {
  it("has the fields that the handshake needs and nothing else", () => {
    expect(create().request).toBe(
      "GET /chat HTTP/1.1\r\n" +
        "Host: server.example.com\r\n" +
        "Upgrade: websocket\r\n" +
        "Connection: Upgrade\r\n" +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
        "Sec-WebSocket-Version: 13\r\n" +
        "\r\n",
    );
  });

  it("offers subprotocols and extensions in their order, then the caller's fields", () => {
    const request = create({
      protocols: ["v2", "v1"],
      extensions: [
        {
          name: "a",
          params: [
            ["b", "1"],
            ["c", true],
          ],
        },
        DEFLATE,
      ],
      headers: { Origin: "http://example.com", Cookie: "n=\u00e9" },
    }).request;
    expect(request).toContain(
      "\r\nSec-WebSocket-Protocol: v2, v1" +
        "\r\nSec-WebSocket-Extensions: a; b=1; c, permessage-deflate" +
        "\r\nOrigin: http://example.com\r\nCookie: n=\u00e9\r\n\r\n",
    );
  });

  it.each([
    ["ws://a", "/", "a"],
    ["ws://a:80/", "/", "a"],
    ["ws://a:443/", "/", "a:443"],
    ["wss://a:443/", "/", "a"],
    ["wss://a:80/", "/", "a:80"],
    ["http://a:80/", "/", "a"],
    ["https://a:8443/b", "/b", "a:8443"],
    ["ws://a/b?c=d#e", "/b?c=d", "a"],
    ["ws://user:secret@a/", "/", "a"],
    ["ws://[::1]:9/", "/", "[::1]:9"],
    [
      "ws://b\u00fccher.example/\u00e9 x?\u00e9 y",
      "/%C3%A9%20x?%C3%A9%20y",
      "xn--bcher-kva.example",
    ],
  ])("requests %s as %s at %s (items 2 and 4)", (address, target, host) => {
    const { request } = create({ url: new URL(address) });
    expect(request).toMatch(/^GET [^ ]+ HTTP\/1\.1\r\nHost: [^ ]+\r\nUpgrade/);
    expect(request.split("\r\n").slice(0, 2)).toEqual([`GET ${target} HTTP/1.1`, `Host: ${host}`]);
  });

  it("omits a default port of parts that are not a URL", () => {
    const parts = { protocol: "wss:", pathname: "", search: "" };
    expect(create({ url: { ...parts, host: "a:443" } }).request).toMatch(/^GET \/ .*\r\nHost: a\r/);
    expect(create({ url: { ...parts, host: "a:8443" } }).request).toMatch(/\r\nHost: a:8443\r/);
  });

  it("has a fresh key each time (item 7)", () => {
    const url = new URL("ws://a/");
    const requests = [1, 2, 3].map(
      () => new ClientHandshake({ url }, nodeProtocolEnvironment).request,
    );
    expect(new Set(requests).size).toBe(3);
  });

  const parts = { protocol: "ws:", host: "a", pathname: "/", search: "" };
  it.each<[string, string, Options]>([
    ["a path with a line end", "INVALID_URL", { url: { ...parts, pathname: "/\r\nX: y" } }],
    ["a path with a space", "INVALID_URL", { url: { ...parts, pathname: "/a b" } }],
    ["a path without a slash", "INVALID_URL", { url: { ...parts, pathname: "a" } }],
    ["a non-ASCII path", "INVALID_URL", { url: { ...parts, pathname: "/\u00e9" } }],
    ["a query with a fragment", "INVALID_URL", { url: { ...parts, search: "?a#b" } }],
    ["a host with a line end", "INVALID_URL", { url: { ...parts, host: "a\r\nX: y" } }],
    ["an empty host", "INVALID_URL", { url: { ...parts, host: "" } }],
    ["a host with a path", "INVALID_URL", { url: { ...parts, host: "a/b" } }],
    ["a host with user information", "INVALID_URL", { url: { ...parts, host: "u@a" } }],
    ["another scheme", "INVALID_URL", { url: { ...parts, protocol: "ftp:" } }],
    [
      "a scheme named like a property of every object",
      "INVALID_URL",
      { url: { ...parts, protocol: "__proto__" } },
    ],
    ["a subprotocol that is not a token", "INVALID_SUBPROTOCOL", { protocols: ["a b"] }],
    ["an empty subprotocol", "INVALID_SUBPROTOCOL", { protocols: [""] }],
    ["a subprotocol with a line end", "INVALID_SUBPROTOCOL", { protocols: ["a\r\nb"] }],
    ["a subprotocol offered twice", "INVALID_SUBPROTOCOL", { protocols: ["a", "b", "a"] }],
    [
      "an extension that is not a token",
      "INVALID_EXTENSION",
      { extensions: [{ name: "a;", params: [] }] },
    ],
    ["a header with a line end", "INVALID_HEADER", { headers: { Cookie: "a\r\nb: c" } }],
    ["a header with a NUL", "INVALID_HEADER", { headers: { Cookie: "a\u0000" } }],
    ["a header beyond latin-1", "INVALID_HEADER", { headers: { Cookie: "\u20ac" } }],
    ["a header whose name is not a token", "INVALID_HEADER", { headers: { "a b": "c" } }],
    ["a limit of 0 bytes", "INVALID_OPTION", { maxHeaderBytes: 0 }],
    ["a limit that is not a number", "INVALID_OPTION", { maxHeaderCount: Number.NaN }],
  ])("refuses %s with a UsageError %s", (_what, code, options) => {
    const error = catchError(() => create(options));
    expect(error).toBeInstanceOf(UsageError);
    expect(error).toMatchObject({ code });
  });

  it.each([
    "upgrade",
    "CONNECTION",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "sec-websocket-protocol",
    "Sec-WebSocket-Extensions",
    "Content-Length",
    "Transfer-Encoding",
  ])("refuses %s, which only the handshake sets", (name) => {
    expect(catchError(() => create({ headers: { [name]: "a" } }))).toMatchObject({
      name: "UsageError",
      code: "RESERVED_HEADER",
    });
  });
});

describe("the Host field of ClientHandshake.request", () => {
  it("is the caller's instead of the URL's", () => {
    const { request } = create({ headers: [["host", "other.example:1"]] });
    expect(request.match(/^host: .*/gim)).toEqual(["Host: other.example:1"]);
  });

  it.each([
    [
      [
        ["host", "a"],
        ["Host", "a"],
      ],
      "headers has host more than once",
    ],
    [[["Host", ""]], '"" is not a host and port'],
    [[["Host", "a\r\nx: y"]], '"a\\r\\nx: y" is not a host and port'],
    [[["Host", "a/b"]], '"a/b" is not a host and port'],
    [[["Host", 5]], "5 is not a host and port"],
  ])("throws for %j (RFC 9112 3.2): %s", (headers, why) => {
    expect(catchError(() => create({ headers: headers as never }))).toMatchObject({
      name: "UsageError",
      code: "INVALID_HEADER",
      message: expect.stringContaining(why),
    });
  });
});

describe("ClientHandshake.receive (RFC 6455 4.1) opens", () => {
  it("on the response of RFC 6455 1.3", () => {
    const response = head(...LINES, "Sec-WebSocket-Protocol: chat");
    expect(outcomeOf(response, [], { protocols: ["chat", "superchat"] })).toEqual({
      kind: "open",
      protocol: "chat",
      extensions: [],
      headers: [...LINES.slice(1), "Sec-WebSocket-Protocol: chat"].map((line) => line.split(": ")),
      rest: "",
    });
  });

  it("and returns the bytes after the response unchanged", () => {
    const outcome = receive(RESPONSE + FRAME);
    expect(outcome?.kind === "open" && fromLatin1(outcome.rest)).toBe(FRAME);
  });

  it.each<[string, string[]]>([
    ["Upgrade", ["Upgrade: WebSocket"]],
    ["Upgrade", ["UPGRADE: WEBSOCKET"]],
    ["Connection", ["Connection: upgrade"]],
    ["Connection", ["Connection: keep-alive, Upgrade"]],
    ["Connection", ["Connection: keep-alive", "connection: UPGRADE"]],
    ["Sec-WebSocket-Accept", [`sec-websocket-accept:${SAMPLE_ACCEPT_KEY}\t `]],
    ["X", ["__proto__: a", "constructor: b", "Server: \u00e9"]],
  ])("with %s as in %j (items 2 to 4)", (name, lines) => {
    expect(receiveWith(name, lines)).toMatchObject({ kind: "open" });
  });

  it.each(["HTTP/1.1 101 ", "HTTP/1.1 101", "HTTP/1.1 101 Web Socket Protocol Handshake"])(
    "on %j, with any reason phrase",
    (line) => {
      expect(receive(RESPONSE.replace(LINES[0], line))).toMatchObject({ kind: "open" });
    },
  );

  it("with the negotiated extensions and their parameters (item 5)", () => {
    const lines = ["Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10"];
    expect(receiveWith("X", lines, { extensions: [DEFLATE] })).toMatchObject({
      kind: "open",
      extensions: [{ name: "permessage-deflate", params: [["server_max_window_bits", "10"]] }],
    });
  });

  it("without a subprotocol if none was chosen, unless one is required", () => {
    expect(receive(RESPONSE, { protocols: ["chat"] })).toMatchObject({
      kind: "open",
      protocol: "",
    });
    expect(receive(RESPONSE, { requireProtocol: true })).toMatchObject({ kind: "open" });
    const chosen = ["Sec-WebSocket-Protocol: b"];
    expect(
      receiveWith("X", chosen, { protocols: ["a", "b"], requireProtocol: true }),
    ).toMatchObject({ kind: "open", protocol: "b" });
  });

  it("after interim responses (RFC 9110 15.2)", () => {
    const interim = [
      head("HTTP/1.1 100 Continue"),
      head("HTTP/1.1 103 Early Hints", "Link: </a>", "Upgrade: other"),
      head("HTTP/1.1 199"),
    ].join("");
    expect(outcomeOf(interim + RESPONSE + FRAME, [])).toMatchObject({
      kind: "open",
      headers: LINES.slice(1).map((line) => line.split(": ")),
      rest: FRAME,
    });
    for (const cuts of everyCut(interim.length + RESPONSE.length)) {
      expect(outcomeOf(interim + RESPONSE, cuts), `cut at ${cuts.join()}`).toMatchObject({
        kind: "open",
        rest: "",
      });
    }
  });
});

describe("ClientHandshake.receive (RFC 6455 4.1) fails", () => {
  it.each([200, 204, 301, 400, 401, 403, 404, 426, 500, 503, 599, 999, 0])(
    "on status %i, with the status in the error (item 1)",
    (status) => {
      const line = `HTTP/1.1 ${String(status).padStart(3, "0")} Why Not`;
      const outcome = receive(RESPONSE.replace(LINES[0], line));
      const error = outcome?.kind === "failed" ? outcome.error : undefined;
      expect(error).toBeInstanceOf(UnexpectedStatusError);
      expect(error).toBeInstanceOf(HandshakeError);
      expect(error).toMatchObject({ code: "UNEXPECTED_STATUS", status });
      expect(error?.message).toContain(`status ${status} "Why Not"`);
    },
  );

  it("on the output of writeRefusal and on any refusal of an older HTTP version", () => {
    const refusal = writeRefusal({ status: 403, message: "no" });
    expect(receive(refusal)).toMatchObject({ error: { status: 403 } });
    expect(receive(head("HTTP/1.0 503"))).toMatchObject({ error: { status: 503 } });
  });

  it.each(["HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "HTTP/0.9"])("on a 101 of %s", (version) => {
    expect(receive(RESPONSE.replace("HTTP/1.1", version))).toMatchObject({
      ...(failure("MALFORMED_RESPONSE") as object),
      error: { message: `the server switched protocols in ${version} instead of HTTP/1.1` },
    });
  });

  it.each<[string, string[]]>([
    ["a missing Upgrade", []],
    ["an empty Upgrade", ["Upgrade:"]],
    ["another protocol", ["Upgrade: h2c"]],
    ["a list", ["Upgrade: websocket, h2c"]],
    ["a list with websocket twice", ["Upgrade: websocket, websocket"]],
    ["two Upgrades", ["Upgrade: websocket", "Upgrade: websocket"]],
    ["a versioned websocket", ["Upgrade: websocket/13"]],
  ])("on %s (item 2)", (_what, lines) => {
    expect(receiveWith("Upgrade", lines)).toEqual(failure("INVALID_UPGRADE"));
  });

  it.each<[string, string[]]>([
    ["a missing Connection", []],
    ["an empty Connection", ["Connection:"]],
    ["a Connection without Upgrade", ["Connection: keep-alive"]],
    ["a token that only contains Upgrade", ["Connection: Upgraded"]],
    ["a Connection that is not a list of tokens", ["Connection: Upgrade, a b"]],
  ])("on %s (item 3)", (_what, lines) => {
    expect(receiveWith("Connection", lines)).toEqual(failure("INVALID_UPGRADE"));
  });

  it.each<[string, string[]]>([
    ["a missing accept key", []],
    ["an empty accept key", ["Sec-WebSocket-Accept:"]],
    ["the key itself", [`Sec-WebSocket-Accept: ${SAMPLE_KEY}`]],
    [
      "the accept key of another key",
      [`Sec-WebSocket-Accept: ${computeAcceptKey("", nodeProtocolEnvironment)}`],
    ],
    ["another case", [`Sec-WebSocket-Accept: ${SAMPLE_ACCEPT_KEY.toLowerCase()}`]],
    ["an additional character", [`Sec-WebSocket-Accept: ${SAMPLE_ACCEPT_KEY}=`]],
    ["a missing character", [`Sec-WebSocket-Accept: ${SAMPLE_ACCEPT_KEY.slice(0, -1)}`]],
    ["a non-ASCII character after it", [`Sec-WebSocket-Accept: ${SAMPLE_ACCEPT_KEY}\u00a0`]],
    ["the right accept key twice", Array<string>(2).fill(LINES[3])],
    ["a wrong accept key and the right one", [LINES[3], "Sec-WebSocket-Accept: a"]],
  ])("on %s (item 4, 11.3.3)", (_what, lines) => {
    expect(receiveWith("Sec-WebSocket-Accept", lines)).toEqual(failure("INVALID_ACCEPT"));
  });

  it.each<[string, string]>([
    ["an extension that was not offered", "x-other"],
    ["an extension that was not offered, after one that was", "permessage-deflate, x-other"],
    ["an extension in another case", "Permessage-Deflate"],
    ["a name that every object has", "__proto__"],
    ["an empty list", ""],
    ["a malformed list", "permessage-deflate; a="],
    ["a quoted value that is not a token", 'permessage-deflate; a="b c"'],
  ])("on the extensions: %s (item 5, 9.1)", (_what, value) => {
    const lines = [`Sec-WebSocket-Extensions: ${value}`];
    expect(receiveWith("X", lines, { extensions: [DEFLATE] })).toEqual(
      failure("INVALID_EXTENSION"),
    );
  });

  it("on any extension if none was offered (item 5)", () => {
    const lines = ["Sec-WebSocket-Extensions: permessage-deflate"];
    expect(receiveWith("X", lines)).toEqual(failure("INVALID_EXTENSION"));
  });

  it.each<[string, string[]]>([
    ["a subprotocol that was not offered", ["Sec-WebSocket-Protocol: other"]],
    ["a subprotocol in another case", ["Sec-WebSocket-Protocol: Chat"]],
    ["two offered subprotocols", ["Sec-WebSocket-Protocol: chat, superchat"]],
    [
      "two offered subprotocols in two fields",
      ["Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Protocol: superchat"],
    ],
    [
      "the same subprotocol twice",
      ["Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Protocol: chat"],
    ],
    ["an empty subprotocol", ["Sec-WebSocket-Protocol:"]],
    ["a name that every object has", ["Sec-WebSocket-Protocol: constructor"]],
  ])("on the subprotocol: %s (item 6, 11.3.4)", (_what, lines) => {
    for (const requireProtocol of [true, false]) {
      const options = { protocols: ["chat", "superchat"], requireProtocol };
      expect(receiveWith("X", lines, options)).toEqual(failure("INVALID_SUBPROTOCOL"));
    }
  });

  it("on any subprotocol if none was offered (item 6)", () => {
    for (const value of ["chat", ""]) {
      const lines = [`Sec-WebSocket-Protocol: ${value}`];
      expect(receiveWith("X", lines)).toEqual(failure("INVALID_SUBPROTOCOL"));
    }
  });

  it("without a subprotocol if one is required (WHATWG WebSockets, establish a connection)", () => {
    expect(receive(RESPONSE, { protocols: ["chat"], requireProtocol: true })).toEqual(
      failure("MISSING_SUBPROTOCOL"),
    );
  });

  it.each<[string, string]>([
    ["bytes that are not HTTP", "SSH-2.0-OpenSSH_9.6\r\n"],
    ["a TLS alert", "\u0015\u0003\u0001\u0000\u0002\u0002\u0046"],
    ["a frame instead of a response", `${FRAME}\r\n`],
    ["a blank line before the response", `\r\n${RESPONSE}`],
    ["an LF alone", RESPONSE.replaceAll("\r\n", "\n")],
    ["a folded field", head(...LINES, " folded")],
    ["a space before a colon", head(...LINES, "A : b")],
    ["a NUL in a field", head(...LINES, "A: b\u0000")],
    ["a malformed interim response", `${head("HTTP/1.1 100 Continue", "A")}${RESPONSE}`],
  ])("on %s (RFC 9112)", (_what, response) => {
    expect(receive(response)).toEqual(failure("MALFORMED_RESPONSE"));
  });

  it("above 16 KiB or 100 fields, including interim responses", () => {
    const tooBig = failure("HEADER_TOO_BIG");
    expect(receive(head(...LINES, `A: ${"b".repeat(16_384)}`))).toEqual(tooBig);
    expect(receive(`HTTP/1.1 101 ${"a".repeat(16_384)}`)).toEqual(tooBig);
    expect(receive(head(...LINES, ...Array<string>(98).fill("A: b")))).toEqual(tooBig);
    expect(receive(head("HTTP/1.1 100 Continue").repeat(1000))).toEqual(tooBig);
    expect(receive(RESPONSE, { maxHeaderBytes: RESPONSE.length - 1 })).toEqual(tooBig);
    expect(receive(RESPONSE, { maxHeaderBytes: RESPONSE.length })).toMatchObject({ kind: "open" });
    expect(receive(RESPONSE, { maxHeaderCount: 2 })).toEqual(tooBig);
  });

  it.each<[string, string, string[]]>([
    ["does not match the Sec-WebSocket-Key of the request: none", "Sec-WebSocket-Accept", []],
    [
      'does not match the Sec-WebSocket-Key of the request: "a", "b"',
      "Sec-WebSocket-Accept",
      ["Sec-WebSocket-Accept: a", "Sec-WebSocket-Accept: b"],
    ],
    ['Extensions is malformed: "a;"', "X", ["Sec-WebSocket-Extensions: a;"]],
    ['an extension that the client did not offer: "a"', "X", ["Sec-WebSocket-Extensions: a"]],
    ['chose the subprotocol "a", but the client offered none', "X", ["Sec-WebSocket-Protocol: a"]],
  ])("with the error message: %s", (said, name, lines) => {
    const outcome = receiveWith(name, lines);
    expect((outcome as { error: Error }).error.message).toContain(said);
  });

  it("with an error that quotes only a short part of the response", () => {
    const outcome = receiveWith("Upgrade", [`Upgrade: ${"a".repeat(10_000)}`]);
    expect((outcome as { error: Error }).error.message.length).toBeLessThan(250);
  });
});

describe("ClientHandshake.receive on split and malformed input", () => {
  const options: Options = { protocols: ["chat"], extensions: [DEFLATE] };
  const response = head(
    ...LINES,
    "Sec-WebSocket-Protocol: chat",
    "Sec-WebSocket-Extensions: permessage-deflate",
  );

  it("gives the same result wherever the bytes are split", () => {
    const whole = outcomeOf(response + FRAME, [], options);
    expect(whole).toMatchObject({ kind: "open", protocol: "chat", rest: FRAME });
    for (const cuts of everyCut(response.length + FRAME.length)) {
      expect(outcomeOf(response + FRAME, cuts, options), `cut at ${cuts.join()}`).toEqual(whole);
    }
    fc.assert(
      fc.property(anyCuts(response.length + FRAME.length), (cuts) => {
        expect(outcomeOf(response + FRAME, cuts, options)).toEqual(whole);
      }),
    );
  });

  it("waits for every byte of the response", () => {
    for (let length = 0; length < response.length; length++) {
      expect(receive(response.slice(0, length), options), `${length} bytes`).toBeUndefined();
    }
  });

  it("does not throw on a response with any byte changed, split anywhere", () => {
    const change = fc.tuple(fc.nat({ max: response.length - 1 }), fc.nat({ max: 255 }));
    fc.assert(
      fc.property(change, anyCuts(response.length), ([at, byte], cuts) => {
        const changed = latin1(response);
        changed[at] = byte;
        const outcome = outcomeOf(fromLatin1(changed), cuts, options);
        expect(outcome).toEqual(outcomeOf(fromLatin1(changed), [], options));
      }),
      { numRuns: 1000 },
    );
  });

  it("does not open on an accept key with a changed character", () => {
    fc.assert(
      fc.property(fc.nat({ max: 27 }), fc.integer({ min: 0x21, max: 0xff }), (at, code) => {
        const char = String.fromCharCode(code);
        fc.pre(char !== SAMPLE_ACCEPT_KEY[at]);
        const key = SAMPLE_ACCEPT_KEY.slice(0, at) + char + SAMPLE_ACCEPT_KEY.slice(at + 1);
        const outcome = receiveWith("Sec-WebSocket-Accept", [`Sec-WebSocket-Accept: ${key}`]);
        expect(outcome).toMatchObject({ kind: "failed" });
      }),
    );
  });

  it("accepts no bytes after its result", () => {
    for (const message of [RESPONSE, "\u0000"]) {
      const handshake = create();
      expect(handshake.receive(latin1(message))).toBeDefined();
      expect(catchError(() => handshake.receive(latin1("a")))).toMatchObject({
        name: "UsageError",
        code: "HANDSHAKE_OVER",
      });
    }
  });
});

describe("both handshakes together (RFC 6455 4)", () => {
  const headers = fc.array(
    fc.tuple(
      token.map((name) => `X-${name}`),
      fieldValue,
    ),
    { maxLength: 6 },
  );
  const protocols = fc.uniqueArray(token, { minLength: 1, maxLength: 4 });
  const params = fc.array(fc.tuple(token, fc.oneof(fc.constant(true as const), token)), {
    maxLength: 3,
  });
  const extensions = fc.array(fc.record({ name: token, params }), { maxLength: 3 });

  it("agree about any offer, wherever the bytes are split", () => {
    fc.assert(
      fc.property(
        protocols,
        extensions,
        headers,
        fc.array(fc.nat({ max: 400 }), { maxLength: 6 }),
        (offered, offers, fields, cuts) => {
          const url = new URL("wss://example.com:8443/a?b");
          const client = new ClientHandshake(
            { url, protocols: offered, extensions: offers, headers: fields },
            nodeProtocolEnvironment,
          );
          const server = new ServerHandshake();
          const request = latin1(client.request);
          const asked = feed(
            (chunk) => server.receive(chunk),
            request,
            within(cuts, request),
          )?.outcome;
          if (asked?.kind !== "upgrade") throw new Error(`not an upgrade: ${client.request}`);
          expect(asked).toMatchObject({ target: "/a?b", protocols: offered, extensions: offers });
          expect([...asked.headers].slice(-fields.length || Infinity)).toEqual(fields);

          const answer = latin1(
            writeUpgradeResponse({
              acceptKey: computeAcceptKey(asked.key, nodeProtocolEnvironment),
              protocol: offered[0],
              extensions: serializeExtensions(offers),
              headers: fields,
            }),
          );
          const opened = feed(
            (chunk) => client.receive(chunk),
            answer,
            within(cuts, answer),
          )?.outcome;
          if (opened?.kind !== "open") throw new Error(`not open: ${fromLatin1(answer)}`);
          expect(opened).toMatchObject({ protocol: offered[0], extensions: offers });
          expect([...opened.headers].slice(-fields.length || Infinity)).toEqual(fields);
        },
      ),
    );
  });
});
