import { describe, expect, it } from "vitest";
import { parseExtensions, serializeExtensions } from "../../../src/protocol/handshake/index.ts";
import { acceptDeflateAnswer, offerDeflate } from "../../../src/ws/client/deflate.ts";
import type { PerMessageDeflateOptions } from "../../../src/ws/extensions/deflate-options.ts";

const offerOf = (options: PerMessageDeflateOptions): string =>
  serializeExtensions([offerDeflate(options)]);

const agreementOf = (
  answer: string,
  options: PerMessageDeflateOptions = {},
): ReturnType<typeof acceptDeflateAnswer> =>
  acceptDeflateAnswer(parseExtensions([answer])!, options);

describe("the offer of permessage-deflate (RFC 7692 7.1)", () => {
  it.each([
    [{}, "permessage-deflate; client_max_window_bits"],
    [{ clientMaxWindowBits: true }, "permessage-deflate; client_max_window_bits"],
    [{ clientMaxWindowBits: false }, "permessage-deflate"],
    [{ clientMaxWindowBits: 10 }, "permessage-deflate; client_max_window_bits=10"],
    [
      { serverNoContextTakeover: true, clientNoContextTakeover: true, serverMaxWindowBits: 9 },
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover; " +
        "server_max_window_bits=9; client_max_window_bits",
    ],
    [
      { serverNoContextTakeover: false, clientNoContextTakeover: false },
      "permessage-deflate; client_max_window_bits",
    ],
  ])("with %j is %s", (options, offer) => {
    expect(offerOf(options)).toBe(offer);
  });
});

describe("the server's answer", () => {
  it("decides on windows and context takeover", () => {
    expect(agreementOf("permessage-deflate")).toMatchObject({
      sending: { windowBits: 13, takesOver: true },
      receiving: { windowBits: 15, takesOver: true },
      settings: { thresholdBytes: 0, level: 3 },
    });
    expect(
      agreementOf(
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; " +
          "server_max_window_bits=9; client_max_window_bits=10",
        { threshold: 100, zlibDeflateOptions: { level: 9, windowBits: 15 } },
      ),
    ).toMatchObject({
      sending: { windowBits: 10, takesOver: false },
      receiving: { windowBits: 9, takesOver: false },
      settings: { thresholdBytes: 100, level: 9 },
    });
  });

  it("leaves the other settings of the compressor to the options", () => {
    const options = { zlibDeflateOptions: { memLevel: 8, strategy: 3 } };
    expect(agreementOf("permessage-deflate", options)).toMatchObject({
      tuning: { memoryLevel: 8, strategy: 3 },
    });
    expect(agreementOf("permessage-deflate")).not.toHaveProperty("tuning");
  });

  it("may leave out what the client offered; the client then keeps its offer (RFC 7692 7.1)", () => {
    expect(
      agreementOf("permessage-deflate", {
        clientNoContextTakeover: true,
        clientMaxWindowBits: 9,
        serverNoContextTakeover: true,
      }),
    ).toMatchObject({
      sending: { windowBits: 9, takesOver: false },
      receiving: { windowBits: 15, takesOver: true },
      settings: { thresholdBytes: 1024 },
    });
  });

  it.each([
    ["permessage-deflate; client_max_window_bits=11", { clientMaxWindowBits: 10 }],
    ["permessage-deflate; client_max_window_bits=15", { clientMaxWindowBits: false }],
    ["permessage-deflate; client_no_context_takeover", { clientNoContextTakeover: false }],
    ["permessage-deflate; client_max_window_bits", {}],
    ["permessage-deflate; client_max_window_bits=7", {}],
    ["permessage-deflate; server_max_window_bits=16", {}],
    ["permessage-deflate; server_no_context_takeover=1", {}],
    ["permessage-deflate; unknown", {}],
    ["permessage-deflate; server_max_window_bits=9; server_max_window_bits=9", {}],
    ["permessage-deflate, permessage-deflate", {}],
  ])("%s fails the connection with the options %j", (answer, options) => {
    expect(agreementOf(answer, options)).toBeTypeOf("string");
  });

  it("may decline compression", () => {
    expect(acceptDeflateAnswer([], {})).toBe(undefined);
  });
});
