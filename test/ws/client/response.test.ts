import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { type Offer, readResponse } from "../../../src/ws/client/response.ts";
import { offerDeflate } from "../../../src/ws/client/deflate.ts";

const ACCEPT_KEY = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

const OFFER: Offer = {
  acceptKey: ACCEPT_KEY,
  protocols: [],
  extensions: [],
  perMessageDeflate: undefined,
};

const WITH_DEFLATE: Offer = {
  ...OFFER,
  extensions: [offerDeflate({})],
  perMessageDeflate: {},
};

/** A response with the status 101 and the header fields of an acceptance. */
function responseWith(...fields: Array<[name: string, value: string]>): IncomingMessage {
  const response = new IncomingMessage(new Socket());
  response.httpVersionMajor = 1;
  response.httpVersionMinor = 1;
  response.statusCode = 101;
  const replaced = fields.map(([name]) => name);
  const accepted: Array<[string, string]> = [
    ["Upgrade", "websocket"],
    ["Connection", "Upgrade"],
    ["Sec-WebSocket-Accept", ACCEPT_KEY],
  ];
  const all = [...accepted.filter(([name]) => !replaced.includes(name)), ...fields];
  response.rawHeaders = all.flat();
  response.headers = Object.fromEntries(all.map(([name, value]) => [name.toLowerCase(), value]));
  return response;
}

describe("readResponse", () => {
  it("returns the subprotocol and the compression that the server chose", () => {
    const response = responseWith(
      ["Sec-WebSocket-Protocol", "b"],
      ["Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits=10"],
      ["UPGRADE", "WebSocket"],
    );
    response.rawHeaders.splice(0, 2);
    expect(readResponse(response, { ...WITH_DEFLATE, protocols: ["a", "b"] })).toMatchObject({
      protocol: "b",
      extensions: "permessage-deflate; client_max_window_bits=10",
      deflate: { sending: { windowBits: 10 } },
    });
    expect(readResponse(responseWith(), WITH_DEFLATE)).toEqual({
      protocol: "",
      extensions: "",
      deflate: undefined,
    });
  });

  it.each([
    ["Upgrade", "foo", OFFER, "Invalid Upgrade header", "INVALID_UPGRADE"],
    ["Upgrade", "", OFFER, "Invalid Upgrade header", "INVALID_UPGRADE"],
    ["Connection", "close", OFFER, "Invalid Upgrade header", "INVALID_UPGRADE"],
    [
      "Sec-WebSocket-Accept",
      "CxYS6+NgJSBG74mdgLvGscRvpns=",
      OFFER,
      "Invalid Sec-WebSocket-Accept header",
      "INVALID_ACCEPT",
    ],
    [
      "Sec-WebSocket-Protocol",
      "a",
      OFFER,
      "Server sent a subprotocol but none was requested",
      "INVALID_SUBPROTOCOL",
    ],
    [
      "Sec-WebSocket-Protocol",
      "b",
      { ...OFFER, protocols: ["a"] },
      "Server sent an invalid subprotocol",
      "INVALID_SUBPROTOCOL",
    ],
    [
      "Sec-WebSocket-Protocol",
      "",
      { ...OFFER, protocols: ["a"] },
      "Server sent an invalid subprotocol",
      "INVALID_SUBPROTOCOL",
    ],
    ["X", "", { ...OFFER, protocols: ["a"] }, "Server sent no subprotocol", "MISSING_SUBPROTOCOL"],
    [
      "Sec-WebSocket-Extensions",
      "permessage-deflate",
      OFFER,
      "Server sent a Sec-WebSocket-Extensions header but no extension was requested",
      "INVALID_EXTENSION",
    ],
    [
      "Sec-WebSocket-Extensions",
      "permessage-deflate, foo",
      WITH_DEFLATE,
      "Server indicated an extension that was not requested",
      "INVALID_EXTENSION",
    ],
    [
      "Sec-WebSocket-Extensions",
      "foo;=",
      WITH_DEFLATE,
      "Invalid Sec-WebSocket-Extensions header",
      "INVALID_EXTENSION",
    ],
    [
      "Sec-WebSocket-Extensions",
      "permessage-deflate; client_max_window_bits=7",
      WITH_DEFLATE,
      "Invalid Sec-WebSocket-Extensions header",
      "INVALID_EXTENSION",
    ],
  ])("refuses %s: %s", (name, value, offer, message, code) => {
    const result = readResponse(responseWith([name, value]), offer);
    expect(result).toBeInstanceOf(Error);
    expect(result).toMatchObject({ message, code });
  });

  it("refuses a response without Upgrade, and a response of HTTP/1.0", () => {
    const { headers, rawHeaders } = responseWith();
    const incomplete = Object.assign(responseWith(), { headers: {} });
    expect(readResponse(incomplete, OFFER)).toMatchObject({ message: "Invalid Upgrade header" });
    const old = Object.assign(responseWith(), { headers, rawHeaders, httpVersionMinor: 0 });
    expect(readResponse(old, OFFER)).toMatchObject({ code: "MALFORMED_RESPONSE" });
  });

  // A lookup of such a name in a plain object would find an inherited property.
  it.each([
    "constructor",
    "__proto__",
    "toString; hasOwnProperty",
    "permessage-deflate; __proto__",
  ])("refuses the extension %s with an error, not an exception", (extension) => {
    const result = readResponse(
      responseWith(["Sec-WebSocket-Extensions", extension]),
      WITH_DEFLATE,
    );
    expect(result).toMatchObject({ code: "INVALID_EXTENSION" });
  });

  it("reads a long Sec-WebSocket-Extensions header in linear time", () => {
    const long = `permessage-deflate${"; a".repeat(200_000)} x`;
    const result = readResponse(responseWith(["Sec-WebSocket-Extensions", long]), WITH_DEFLATE);
    expect(result).toMatchObject({ message: "Invalid Sec-WebSocket-Extensions header" });
  });

  it("refuses a subprotocol or an accept key that is sent twice (RFC 6455 11.3)", () => {
    const twice = responseWith(["Sec-WebSocket-Protocol", "a"]);
    twice.rawHeaders.push("sec-websocket-protocol", "a");
    expect(readResponse(twice, { ...OFFER, protocols: ["a"] })).toMatchObject({
      message: "Server sent an invalid subprotocol",
    });
    const keys = responseWith();
    keys.rawHeaders.push("sec-websocket-accept", ACCEPT_KEY);
    expect(readResponse(keys, OFFER)).toMatchObject({
      message: "Invalid Sec-WebSocket-Accept header",
    });
  });
});
