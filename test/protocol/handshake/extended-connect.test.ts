import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  readExtendedConnect,
  type HttpRefusal,
  type WebSocketOffer,
} from "../../../src/protocol/handshake/index.ts";

type Fields = Record<string, string | string[] | undefined>;

const VALID: Fields = {
  ":method": "CONNECT",
  ":protocol": "websocket",
  ":scheme": "https",
  ":path": "/chat",
  ":authority": "server.example.com",
  "sec-websocket-version": "13",
};

/** Judges the valid request with some fields changed. An undefined field is omitted. */
function read(fields: Fields = {}): WebSocketOffer | HttpRefusal {
  const rawHeaders = Object.entries({ ...VALID, ...fields }).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().flatMap((one) => [name, one]),
  );
  return readExtendedConnect({ rawHeaders });
}

describe("readExtendedConnect (RFC 8441 5) accepts", () => {
  it("a request with only the required fields", () => {
    expect(read()).toEqual({ kind: "upgrade", protocols: [], extensions: [] });
  });

  it("the request of RFC 8441 5.1", () => {
    const request = {
      "sec-websocket-protocol": "chat, superchat",
      "sec-websocket-extensions": "permessage-deflate",
      origin: "http://www.example.com",
    };
    expect(read(request)).toMatchObject({
      kind: "upgrade",
      protocols: ["chat", "superchat"],
      extensions: [{ name: "permessage-deflate" }],
    });
  });

  it.each<[string, Fields]>([
    ["a :protocol in any case", { ":protocol": "WebSocket" }],
    ["a :scheme of http, behind a proxy that terminates TLS", { ":scheme": "http" }],
    ["a port and an IPv6 address", { ":authority": "[::1]:8443" }],
    ["a query", { ":path": "/?a=b" }],
    ["a Host equal to the :authority", { host: "Server.Example.com" }],
    ["a Sec-WebSocket-Key, which has no meaning here", { "sec-websocket-key": "x" }],
    ["a te of trailers (RFC 9113 8.2.2)", { te: "trailers" }],
    ["an empty body", { "content-length": "0" }],
  ])("%s", (_, fields) => {
    expect(read(fields)).toMatchObject({ kind: "upgrade" });
  });
});

describe("readExtendedConnect (RFC 8441 5) refuses", () => {
  it("another method with 400", () => {
    expect(read({ ":method": "GET" })).toMatchObject({ kind: "refuse", status: 400 });
  });

  it.each([undefined, "connect-udp", "websocket2", "", "__proto__"])(
    "the :protocol %s with 501 (RFC 9220 3)",
    (protocol) => {
      expect(read({ ":protocol": protocol })).toMatchObject({ kind: "refuse", status: 501 });
    },
  );

  it.each([":scheme", ":authority", ":path"])(
    "a request without %s, or with two, with 400 (RFC 8441 4)",
    (name) => {
      const value = String(VALID[name]);
      for (const values of [undefined, [value, value]]) {
        expect(read({ [name]: values })).toMatchObject({ kind: "refuse", status: 400 });
      }
    },
  );

  it.each<[string, Fields]>([
    ["two protocols", { ":protocol": ["websocket", "websocket"] }],
    ["a scheme of wss", { ":scheme": "wss" }],
    ["an empty authority", { ":authority": "" }],
    ["an authority with user information", { ":authority": "user@server.example.com" }],
    ["an authority with a path", { ":authority": "server.example.com/a" }],
    ["a path without a slash", { ":path": "*" }],
    ["a path in absolute form", { ":path": "https://server.example.com/" }],
    ["a path with a fragment", { ":path": "/#a" }],
    ["another Host (RFC 9113 8.3.1)", { host: "example.com" }],
    ["Connection (RFC 9113 8.2.2)", { connection: "upgrade" }],
    ["Upgrade (RFC 8441 5)", { upgrade: "websocket" }],
    ["Proxy-Connection", { "proxy-connection": "keep-alive" }],
    ["Keep-Alive", { "keep-alive": "timeout=5" }],
    ["Transfer-Encoding", { "transfer-encoding": "chunked" }],
    ["a te other than trailers", { te: "gzip" }],
    ["a body", { "content-length": "5" }],
    ["a repeated subprotocol", { "sec-websocket-protocol": "a, a" }],
    ["subprotocols that are not tokens", { "sec-websocket-protocol": "a b" }],
    ["malformed extensions", { "sec-websocket-extensions": "a;;" }],
  ])("%s with 400", (_, fields) => {
    expect(read(fields)).toMatchObject({ kind: "refuse", status: 400, headers: {} });
  });

  it.each([undefined, "8", "13, 8", "", "130"])(
    "version %s with 400 and the supported version (RFC 6455 4.4)",
    (version) => {
      expect(read({ "sec-websocket-version": version })).toMatchObject({
        status: 400,
        headers: { "Sec-WebSocket-Version": "13" },
      });
    },
  );
});

describe("readExtendedConnect with any fields", () => {
  it("does not throw and does not quote the request", () => {
    const names = fc.oneof(
      fc.constantFrom(...Object.keys(VALID), "host", "te", "__proto__", "constructor"),
      fc.string(),
    );
    const fields = fc.array(fc.tuple(names, fc.string({ unit: "binary" })), { maxLength: 12 });
    fc.assert(
      fc.property(fields, (entries) => {
        const outcome = readExtendedConnect({ rawHeaders: entries.flat() });
        if (outcome.kind === "refuse") {
          expect([400, 501]).toContain(outcome.status);
          expect(outcome.message).toMatch(/^[\x20-\x7e]+$/);
        }
      }),
    );
  });
});
