import { describe, expect, it } from "vitest";
import {
  acceptDeflate,
  type DeflateSettings,
  offerDeflate,
  readDeflateAnswer,
} from "../../../src/protocol/deflate/index.ts";
import { parseExtensions, serializeExtensions } from "../../../src/protocol/handshake/index.ts";

const SHARED: DeflateSettings = { context: "shared", thresholdBytes: 0, windowBits: 13, level: 3 };
const DEDICATED: DeflateSettings = { ...SHARED, context: "dedicated" };

function accept(header: string, settings: DeflateSettings) {
  const accepted = acceptDeflate(parseExtensions([header])!, settings, 9);
  return accepted && { ...accepted, header: serializeExtensions([accepted.extension]) };
}

describe("a server that receives an offer of permessage-deflate (RFC 7692 5.1)", () => {
  it.each([
    // The offer, and the response with a separate context for each connection.
    ["permessage-deflate", "permessage-deflate"],
    ["permessage-deflate; client_max_window_bits", "permessage-deflate; client_max_window_bits=13"],
    [
      "permessage-deflate; client_max_window_bits=10",
      "permessage-deflate; client_max_window_bits=10",
    ],
    [
      'permessage-deflate; server_max_window_bits="11"',
      "permessage-deflate; server_max_window_bits=11",
    ],
    [
      "permessage-deflate; server_max_window_bits=15",
      "permessage-deflate; server_max_window_bits=13",
    ],
    [
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    ],
    ["x-other, permessage-deflate", "permessage-deflate"],
  ])("answers %j with %j", (offered, answered) => {
    expect(accept(offered, DEDICATED)?.header).toBe(answered);
  });

  it.each([
    "permessage-deflate",
    "permessage-deflate; client_max_window_bits",
    "permessage-deflate; server_no_context_takeover",
  ])("negotiates no context takeover with shared contexts, offered %j", (offered) => {
    const accepted = accept(offered, SHARED)!;
    expect(accepted.header).toBe(
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    );
    expect(accepted.agreement.sending).toEqual({ windowBits: 13, takesOver: false });
    expect(accepted.agreement.receiving).toEqual({ windowBits: 15, takesOver: false });
  });

  it.each([
    ["an unknown parameter", "permessage-deflate; x"],
    ["a parameter named like a property of every object", "permessage-deflate; constructor"],
    ["a parameter named __proto__", "permessage-deflate; __proto__=8"],
    [
      "a repeated parameter",
      "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    ],
    ["a flag with a value", "permessage-deflate; server_no_context_takeover=true"],
    ["a flag with a value", "permessage-deflate; client_no_context_takeover=1"],
    ["a server window without a size", "permessage-deflate; server_max_window_bits"],
    ["a window below 8", "permessage-deflate; server_max_window_bits=7"],
    ["a window above 15", "permessage-deflate; client_max_window_bits=16"],
    ["a window of 0", "permessage-deflate; client_max_window_bits=0"],
    ["a window with a leading zero", "permessage-deflate; server_max_window_bits=09"],
    ["a window that is not an integer", "permessage-deflate; server_max_window_bits=9.5"],
    ["a window that is not a number", "permessage-deflate; client_max_window_bits=ten"],
    // zlib does not support this window.
    ["a window of 256 bytes for the server", "permessage-deflate; server_max_window_bits=8"],
    ["another extension", "x-webkit-deflate-frame"],
    ["the name in upper case", "Permessage-Deflate"],
  ])("declines %s: %s", (_, offered) => {
    expect(accept(offered, SHARED)).toBeUndefined();
    expect(accept(offered, DEDICATED)).toBeUndefined();
  });

  it("accepts the first offer that it supports", () => {
    const offered =
      "permessage-deflate; server_max_window_bits=8, permessage-deflate; x=1, " +
      "permessage-deflate; server_max_window_bits=10, permessage-deflate";
    expect(accept(offered, DEDICATED)?.header).toBe(
      "permessage-deflate; server_max_window_bits=10",
    );
  });

  it("uses the negotiated window of the client, with context takeover", () => {
    const { agreement } = accept("permessage-deflate; client_max_window_bits", DEDICATED)!;
    expect(agreement.receiving).toEqual({ windowBits: 13, takesOver: true });
    expect(agreement.sending).toEqual({ windowBits: 13, takesOver: true });
  });
});

describe("a client that offers permessage-deflate (RFC 7692 5.1)", () => {
  it.each([
    [DEDICATED, "permessage-deflate; client_max_window_bits"],
    [
      SHARED,
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover; " +
        "client_max_window_bits",
    ],
  ])("with the settings %o sends the offer %s", (settings, header) => {
    expect(serializeExtensions([offerDeflate(settings)])).toBe(header);
  });

  const read = (header: string, settings = DEDICATED) =>
    readDeflateAnswer(header === "" ? [] : parseExtensions([header])!, settings);

  it("accepts a response that declines the offer", () => {
    expect(read("")).toBeUndefined();
    expect(read("", SHARED)).toBeUndefined();
  });

  it.each([
    [
      "permessage-deflate",
      { windowBits: 13, takesOver: true },
      { windowBits: 15, takesOver: true },
    ],
    [
      "permessage-deflate; server_max_window_bits=9; client_max_window_bits=10",
      { windowBits: 10, takesOver: true },
      { windowBits: 9, takesOver: true },
    ],
    [
      "permessage-deflate; client_no_context_takeover",
      { windowBits: 13, takesOver: false },
      { windowBits: 15, takesOver: true },
    ],
    [
      "permessage-deflate; server_no_context_takeover",
      { windowBits: 13, takesOver: true },
      { windowBits: 15, takesOver: false },
    ],
    [
      "permessage-deflate; client_max_window_bits=8",
      { windowBits: 8, takesOver: true },
      { windowBits: 15, takesOver: true },
    ],
  ])("accepts the response %s", (header, sending, receiving) => {
    expect(read(header)).toEqual({ sending, receiving, settings: DEDICATED });
  });

  it.each([
    "permessage-deflate, permessage-deflate",
    "permessage-deflate; x",
    "permessage-deflate; __proto__",
    "permessage-deflate; client_max_window_bits",
    "permessage-deflate; client_max_window_bits=7",
    "permessage-deflate; server_max_window_bits=16",
    "permessage-deflate; server_max_window_bits",
    "permessage-deflate; server_no_context_takeover=1",
    "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
  ])("fails the connection on the response %s", (header) => {
    expect(read(header)).toBeTypeOf("string");
  });

  it("fails the connection when the server does not confirm no context takeover", () => {
    expect(read("permessage-deflate", SHARED)).toBeTypeOf("string");
    expect(read("permessage-deflate; server_no_context_takeover", SHARED)).toMatchObject({
      sending: { takesOver: false },
      receiving: { takesOver: false },
    });
  });
});
