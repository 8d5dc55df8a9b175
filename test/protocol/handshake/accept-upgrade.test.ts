import { describe, expect, it } from "vitest";
import { acceptUpgrade } from "../../../src/protocol/handshake/accept-upgrade.ts";
import { SAMPLE_ACCEPT_KEY, SAMPLE_KEY } from "./support.ts";

const offer = {
  kind: "upgrade",
  key: SAMPLE_KEY,
  protocols: ["chat", "news"],
  extensions: [],
} as const;
const HEAD = [
  "HTTP/1.1 101 Switching Protocols",
  "Upgrade: websocket",
  "Connection: Upgrade",
  `Sec-WebSocket-Accept: ${SAMPLE_ACCEPT_KEY}`,
];

describe("acceptUpgrade", () => {
  it("answers the key of RFC 6455 1.3", () => {
    expect(acceptUpgrade(offer)).toBe([...HEAD, "", ""].join("\r\n"));
  });

  it("writes the subprotocol, the extensions and further header fields", () => {
    const extensions = [{ name: "x", params: [["y", "1"]] }] as const;
    expect(acceptUpgrade(offer, { protocol: "news", extensions, headers: { "X-A": "b" } })).toBe(
      [
        ...HEAD,
        "Sec-WebSocket-Protocol: news",
        "Sec-WebSocket-Extensions: x; y=1",
        "X-A: b",
        "",
        "",
      ].join("\r\n"),
    );
  });

  it("throws INVALID_SUBPROTOCOL for a subprotocol that was not offered (RFC 6455 4.2.2)", () => {
    expect(() => acceptUpgrade(offer, { protocol: "other" })).toThrow(
      expect.objectContaining({ name: "UsageError", code: "INVALID_SUBPROTOCOL" }),
    );
  });

  it("throws INVALID_OFFER for a refusal instead of an offer", () => {
    const refusal = { kind: "refuse", status: 426, headers: {}, message: "No." };
    expect(() => acceptUpgrade(refusal as never)).toThrow(
      expect.objectContaining({ name: "UsageError", code: "INVALID_OFFER" }),
    );
  });
});
