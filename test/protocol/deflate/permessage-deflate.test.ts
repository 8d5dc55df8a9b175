import { describe, expect, it } from "vitest";
import { HandshakeError } from "../../../src/errors/index.ts";
import { createZlibCodec } from "../../../src/node/environment/deflate/zlib-codec.ts";
import { createEndpoint, permessageDeflate } from "../../../src/protocol/index.ts";

const codec = createZlibCodec();

describe("permessageDeflate", () => {
  it("negotiates compression at both ends, which then send fewer bytes", () => {
    const offer = permessageDeflate.offer({ thresholdBytes: 0 });
    const accepted = permessageDeflate.accept([offer], codec, { thresholdBytes: 0 })!;
    const agreement = permessageDeflate.readAnswer([accepted.extension], { thresholdBytes: 0 });
    if (agreement === undefined || agreement instanceof HandshakeError) throw new Error("declined");
    const texts: string[] = [];
    const [client, server] = (["client", "server"] as const).map((role) =>
      createEndpoint({
        role,
        onText: (text) => texts.push(`${role} ${text}`),
        onBinary: () => {},
        onFinish: () => {},
        compression: { codec, agreement: role === "client" ? agreement : accepted.agreement },
      }),
    );
    client.sendText("a".repeat(1000));
    const bytes = client.takeOutput();
    expect(bytes.length).toBeLessThan(50);
    server.receive(bytes);
    server.sendText("b".repeat(1000));
    client.receive(server.takeOutput());
    expect(texts).toEqual([`server ${"a".repeat(1000)}`, `client ${"b".repeat(1000)}`]);
  });

  it("declines offers of other extensions and accepts a response without extensions", () => {
    expect(permessageDeflate.accept([{ name: "other", params: [] }], codec)).toBeUndefined();
    expect(permessageDeflate.readAnswer([])).toBeUndefined();
  });

  it("returns an error for an invalid response (RFC 7692 5.1)", () => {
    const answer = { name: "permessage-deflate", params: [["x", true]] } as const;
    expect(permessageDeflate.readAnswer([answer])).toMatchObject({ code: "INVALID_EXTENSION" });
  });

  it("throws INVALID_OPTION for a level of 10", () => {
    expect(() => permessageDeflate.offer({ level: 10 })).toThrow(
      expect.objectContaining({ name: "UsageError", code: "INVALID_OPTION" }),
    );
  });
});
