import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  readUpgradeRequest,
  type UpgradeOutcome,
  type UpgradeRequest,
} from "../../../src/protocol/handshake/index.ts";
import { rawHeaders, SAMPLE_KEY } from "./support.ts";

const VALID = [
  "Host: server.example.com",
  "Upgrade: websocket",
  "Connection: Upgrade",
  `Sec-WebSocket-Key: ${SAMPLE_KEY}`,
  "Sec-WebSocket-Version: 13",
];

function read(lines: string[], overrides: Partial<UpgradeRequest> = {}): UpgradeOutcome {
  return readUpgradeRequest({
    method: "GET",
    httpVersionMajor: 1,
    httpVersionMinor: 1,
    rawHeaders: rawHeaders(...lines),
    ...overrides,
  });
}

/** The valid request with its field `name` replaced by `lines`. More lines are added. */
function readWith(name: string, ...lines: string[]): UpgradeOutcome {
  return read([...VALID.filter((line) => !line.startsWith(`${name}:`)), ...lines]);
}

describe("readUpgradeRequest (RFC 6455 4.2.1) accepts", () => {
  it("a request with only the required fields", () => {
    expect(read(VALID)).toEqual({
      kind: "upgrade",
      key: SAMPLE_KEY,
      protocols: [],
      extensions: [],
    });
  });

  it("the handshake of RFC 6455 1.3, with names in any case", () => {
    const lines = [
      ...VALID,
      "Origin: http://example.com",
      "sec-websocket-PROTOCOL: chat, superchat",
    ];
    const shouted = lines.map((line) => line.replace(/^[^:]+/, (name) => name.toUpperCase()));
    for (const spelling of [lines, shouted]) {
      expect(read(spelling)).toMatchObject({ kind: "upgrade", protocols: ["chat", "superchat"] });
    }
  });

  it.each(["websocket", "WebSocket", "WEBSOCKET", "h2c, websocket", "foo/2 ,\tWebSocket, ,"])(
    "Upgrade: %s (item 3)",
    (value) => {
      expect(readWith("Upgrade", `Upgrade: ${value}`)).toMatchObject({ kind: "upgrade" });
    },
  );

  it.each(["Upgrade", "upgrade", "keep-alive, Upgrade", "UPGRADE,close"])(
    "Connection: %s (item 4)",
    (value) => {
      expect(readWith("Connection", `Connection: ${value}`)).toMatchObject({ kind: "upgrade" });
    },
  );

  it("lists spread over several fields (RFC 9110 5.3)", () => {
    const outcome = read([
      ...VALID.filter((line) => !line.startsWith("Connection")),
      "Connection: keep-alive",
      "Connection: Upgrade",
      "Upgrade: foo",
      "Sec-WebSocket-Protocol: v2",
      "Sec-WebSocket-Protocol: v1, v0",
      "Sec-WebSocket-Extensions: a; b",
      "Sec-WebSocket-Extensions: c",
    ]);
    expect(outcome).toMatchObject({
      kind: "upgrade",
      protocols: ["v2", "v1", "v0"],
      extensions: [
        { name: "a", params: [["b", true]] },
        { name: "c", params: [] },
      ],
    });
  });

  it.each([
    "example.com",
    "example.com:8080",
    "example.com:",
    "127.0.0.1:1",
    "[::1]",
    "[2001:db8::1]:443",
    "a_b-c.d",
    "xn--bcher-kva.example",
  ])("Host: %s (RFC 9110 7.2)", (host) => {
    expect(readWith("Host", `Host: ${host}`)).toMatchObject({ kind: "upgrade" });
  });

  it("HTTP/1.2 and HTTP/2.0, as item 1 says HTTP/1.1 or higher", () => {
    expect(read(VALID, { httpVersionMinor: 2 })).toMatchObject({ kind: "upgrade" });
    expect(read(VALID, { httpVersionMajor: 2, httpVersionMinor: 0 })).toMatchObject({
      kind: "upgrade",
    });
  });

  it("Content-Length: 0, which declares no body", () => {
    expect(read([...VALID, "Content-Length: 0"])).toMatchObject({ kind: "upgrade" });
  });

  it("unknown fields, including obs-text and names of properties of every object", () => {
    const lines = ["Cookie: a=\u00e9", "__proto__: websocket", "constructor: 1", "toString: 2"];
    expect(read([...VALID, ...lines])).toMatchObject({ kind: "upgrade" });
  });

  it("subprotocols named like properties of every object", () => {
    expect(read([...VALID, "Sec-WebSocket-Protocol: __proto__, constructor"])).toMatchObject({
      protocols: ["__proto__", "constructor"],
    });
  });
});

describe("readUpgradeRequest (RFC 6455 4.2.1) refuses", () => {
  it.each(["POST", "PUT", "OPTIONS", "CONNECT", "get", ""])(
    "the method %j with 405 and Allow",
    (method) => {
      expect(read(VALID, { method })).toMatchObject({
        kind: "refuse",
        status: 405,
        headers: { Allow: "GET" },
      });
    },
  );

  it("HEAD with 405 and no body (RFC 9110 9.3.2)", () => {
    expect(read(VALID, { method: "HEAD" })).toMatchObject({ status: 405, message: "" });
  });

  it.each([
    [1, 0],
    [0, 9],
  ])("HTTP/%i.%i with 400 (item 1)", (httpVersionMajor, httpVersionMinor) => {
    expect(read(VALID, { httpVersionMajor, httpVersionMinor })).toMatchObject({
      kind: "refuse",
      status: 400,
    });
  });

  it.each<[string, string[]]>([
    ["a missing Host", []],
    ["an empty Host", ["Host:"]],
    ["two Hosts", ["Host: a", "Host: a"]],
    ["two Hosts, one of them empty", ["Host: a", "host:"]],
    ["a Host that is a list", ["Host: a, b"]],
    ["a Host with user information", ["Host: user@a"]],
    ["a Host with a path", ["Host: a/b"]],
    ["a Host with a bad port", ["Host: a:80b"]],
    ["a Host with only a port", ["Host: :80"]],
    ["a non-ASCII Host", ["Host: b\u00fccher.example"]],
    ["a Host with an unclosed bracket", ["Host: [::1"]],
  ])("%s with 400 (item 2, RFC 9112 3.2)", (_what, lines) => {
    expect(readWith("Host", ...lines)).toMatchObject({ kind: "refuse", status: 400, headers: {} });
  });

  it.each<[string, string[]]>([
    ["a missing Upgrade", []],
    ["an empty Upgrade", ["Upgrade:"]],
    ["another protocol", ["Upgrade: h2c"]],
    ["a versioned websocket", ["Upgrade: websocket/13"]],
    ["a token that only contains websocket", ["Upgrade: websockets"]],
    ["a long s instead of the s", ["Upgrade: web\u017focket"]],
    ["a Kelvin sign instead of the k", ["Upgrade: websoc\u212aet"]],
  ])("%s with 426 and Upgrade: websocket (item 3)", (_what, lines) => {
    expect(readWith("Upgrade", ...lines)).toMatchObject({
      kind: "refuse",
      status: 426,
      headers: { Upgrade: "websocket" },
    });
  });

  it.each<[string, string[]]>([
    ["a missing Connection", []],
    ["an empty Connection", ["Connection:"]],
    ["a Connection without Upgrade", ["Connection: keep-alive"]],
    ["a token that only contains Upgrade", ["Connection: Upgrades"]],
    ["Upgrade within another element", ["Connection: keep-alive Upgrade"]],
  ])("%s with 426 (item 4, RFC 9110 7.8)", (_what, lines) => {
    expect(readWith("Connection", ...lines)).toMatchObject({ kind: "refuse", status: 426 });
  });

  it.each<[string, string[]]>([
    ["a missing version", []],
    ["an empty version", ["Sec-WebSocket-Version:"]],
    ["version 8", ["Sec-WebSocket-Version: 8"]],
    ["version 0", ["Sec-WebSocket-Version: 0"]],
    ["version 14", ["Sec-WebSocket-Version: 14"]],
    ["version 013", ["Sec-WebSocket-Version: 013"]],
    ["version 13.0", ["Sec-WebSocket-Version: 13.0"]],
    ["version 0xd", ["Sec-WebSocket-Version: 0xd"]],
    ["a version with too many digits", [`Sec-WebSocket-Version: ${"9".repeat(999)}`]],
  ])("%s with 426 and the supported version (item 6, 4.4)", (_what, lines) => {
    expect(readWith("Sec-WebSocket-Version", ...lines)).toMatchObject({
      kind: "refuse",
      status: 426,
      headers: { "Sec-WebSocket-Version": "13" },
    });
  });

  it.each<[string, string[]]>([
    ["13 twice", ["Sec-WebSocket-Version: 13", "sec-websocket-version: 13"]],
    ["two versions", ["Sec-WebSocket-Version: 8", "Sec-WebSocket-Version: 13"]],
    ["a list of versions", ["Sec-WebSocket-Version: 13, 8"]],
  ])("%s with 400 (11.3.5)", (_what, lines) => {
    expect(readWith("Sec-WebSocket-Version", ...lines)).toMatchObject({
      kind: "refuse",
      status: 400,
    });
  });

  it.each<[string, string[]]>([
    ["a missing key", []],
    ["an empty key", ["Sec-WebSocket-Key:"]],
    ["two keys", [`Sec-WebSocket-Key: ${SAMPLE_KEY}`, `Sec-WebSocket-Key: ${SAMPLE_KEY}`]],
    ["a list of keys", [`Sec-WebSocket-Key: ${SAMPLE_KEY}, ${SAMPLE_KEY}`]],
    ["a key of 15 bytes", [`Sec-WebSocket-Key: ${Buffer.alloc(15).toString("base64")}`]],
    ["a key of 17 bytes", [`Sec-WebSocket-Key: ${Buffer.alloc(17).toString("base64")}`]],
    ["a key without padding", [`Sec-WebSocket-Key: ${SAMPLE_KEY.slice(0, -2)}`]],
    ["a key in base64url", ["Sec-WebSocket-Key: -_-_IHNhbXBsZSBub25jZQ=="]],
  ])("%s with 400 (item 5, 11.3.1)", (_what, lines) => {
    expect(readWith("Sec-WebSocket-Key", ...lines)).toMatchObject({
      kind: "refuse",
      status: 400,
      message: "The request needs exactly one Sec-WebSocket-Key of 16 bytes in base64.",
    });
  });

  it.each<[string, string[]]>([
    ["an empty subprotocol list", ["Sec-WebSocket-Protocol:"]],
    ["a list with only commas", ["Sec-WebSocket-Protocol: , ,"]],
    ["a subprotocol that is not a token", ["Sec-WebSocket-Protocol: chat, a b"]],
    ["a quoted subprotocol", ['Sec-WebSocket-Protocol: "chat"']],
    ["a non-ASCII subprotocol", ["Sec-WebSocket-Protocol: ch\u00e4t"]],
    ["a subprotocol offered twice", ["Sec-WebSocket-Protocol: chat, chat"]],
    [
      "a subprotocol offered again in a second field",
      ["Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Protocol: chat"],
    ],
  ])("%s with 400 (4.1, item 10)", (_what, lines) => {
    expect(read([...VALID, ...lines])).toMatchObject({ kind: "refuse", status: 400 });
  });

  it("no subprotocols that differ only in case", () => {
    expect(read([...VALID, "Sec-WebSocket-Protocol: chat, Chat"])).toMatchObject({
      protocols: ["chat", "Chat"],
    });
  });

  it.each(["", ";", "a;", "a; b=", 'a; b="', 'a; b="c d"', "a b"])(
    "the extensions %j with 400 (9.1)",
    (value) => {
      expect(read([...VALID, `Sec-WebSocket-Extensions: ${value}`])).toMatchObject({
        kind: "refuse",
        status: 400,
      });
    },
  );

  it.each([
    "Content-Length: 1",
    "Content-Length: 00005",
    "Content-Length: -1",
    "Content-Length: +0",
    "Content-Length: 0, 5",
    "Content-Length:",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: identity",
    "Transfer-Encoding:",
  ])("%s with 400: frames would be read as a body", (line) => {
    expect(read([...VALID, line])).toMatchObject({ kind: "refuse", status: 400 });
  });
});

describe("readUpgradeRequest with any fields", () => {
  it("does not throw and does not quote the request", () => {
    const names = fc.constantFrom(
      ...VALID.map((line) => line.slice(0, line.indexOf(":"))),
      "Sec-WebSocket-Protocol",
      "Sec-WebSocket-Extensions",
      "Content-Length",
      "__proto__",
    );
    const secret = fc.string({ maxLength: 20 }).map((value) => `secret${value}`);
    fc.assert(
      fc.property(fc.array(fc.tuple(names, secret)), fc.boolean(), (fields, isValidToo) => {
        const valid = isValidToo ? rawHeaders(...VALID) : [];
        const outcome = read([], { rawHeaders: [...valid, ...fields.flat()] });
        const status = outcome.kind === "refuse" ? outcome.status : undefined;
        expect([undefined, 400, 405, 426]).toContain(status);
        expect(status === undefined || !JSON.stringify(outcome).includes("secret")).toBe(true);
      }),
    );
  });

  it.each(["Upgrade", "Connection", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"])(
    "reads a megabyte of spaces and commas in %s",
    (name) => {
      const field = `${name}: x${" ".repeat(1 << 19)}${",".repeat(1 << 19)}y z`;
      expect(readWith(name, field)).toMatchObject({ kind: "refuse" });
    },
  );
});
