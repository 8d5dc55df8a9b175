import { describe, expect, it } from "vitest";
import { fastEnvironment } from "../../src/node/serve/tcp-environments.ts";
import type { DeflateCodec } from "../../src/protocol/deflate/codec.ts";
import type { DeflateSettings } from "../../src/protocol/deflate/settings.ts";
import type { EndpointOptions } from "../../src/protocol/endpoint.ts";
import { framesOf, PreparedMessage } from "../../src/protocol/prepared-message.ts";
import { frame, hexOf, probe, type Probe } from "./support.ts";

/** A codec that counts its calls. */
function countingCodec() {
  const codec = fastEnvironment.deflateCodec;
  let count = 0;
  const counting: typeof codec = {
    ...codec,
    createDeflater(context, level) {
      const deflater = codec.createDeflater(context, level);
      return {
        ...deflater,
        deflate(message) {
          count++;
          return deflater.deflate(message);
        },
        close: () => deflater.close(),
      };
    },
  };
  return { codec: counting, count: () => count };
}

const LONG = "again and again ".repeat(100);

describe("a prepared message", () => {
  const deflating = (takesOver: boolean, codec: DeflateCodec): EndpointOptions["deflate"] => {
    const context = { windowBits: 13, takesOver };
    const settings: DeflateSettings = {
      context: takesOver ? "dedicated" : "shared",
      thresholdBytes: 1000,
      windowBits: 13,
      level: 3,
    };
    return { agreement: { sending: context, receiving: context, settings }, codec };
  };

  const open = (takesOver: boolean, codec: DeflateCodec): Probe =>
    probe("server", { deflate: deflating(takesOver, codec) });

  it.each([
    ["text", "tidé", frame("81", hexOf("tidé"))],
    ["bytes", Uint8Array.of(1, 2, 3), frame("82", "010203")],
    ["nothing", "", frame("81", "")],
  ])("of %s is the same as if it were sent to each connection separately", (_, data, sent) => {
    const message = new PreparedMessage(data);
    for (let count = 0; count < 3; count++) {
      const { endpoint, written } = probe("server");
      endpoint.sendText("a");
      endpoint.sendPrepared(message);
      endpoint.sendPrepared(message);
      expect(written()).toBe(frame("81", "61") + sent + sent);
    }
  });

  it("is compressed once for all connections without context takeover, and counts for each", () => {
    const { codec, count } = countingCodec();
    const message = new PreparedMessage(LONG);
    const frames = [1, 2, 3].map(() => {
      const { endpoint, output, written } = open(false, codec);
      endpoint.sendPrepared(message);
      expect(output.savedBytes).toBeGreaterThan(1000);
      return written();
    });
    expect(count()).toBe(1);
    expect(new Set(frames).size).toBe(1);
    const client = probe("client", { deflate: deflating(false, codec) });
    client.receive(frames[0]);
    expect(client.events).toEqual([{ text: LONG }]);
  });

  it("is sent to each connection as negotiated, compressed or not", () => {
    const { codec } = countingCodec();
    const message = new PreparedMessage(LONG);
    const [plain, compressing] = [probe("server"), open(false, codec)];
    for (const { endpoint } of [plain, compressing, plain, compressing]) {
      endpoint.sendPrepared(message);
    }
    expect(plain.written()).toBe(frame("81", hexOf(LONG)).repeat(2));
    expect(compressing.written().slice(0, 2)).toBe("c1");
  });

  it("is compressed separately for each connection with context takeover", () => {
    const { codec, count } = countingCodec();
    const message = new PreparedMessage(LONG);
    for (let times = 0; times < 3; times++) {
      const { endpoint } = open(true, codec);
      endpoint.sendPrepared(message);
    }
    expect(count()).toBe(3);
  });

  it("is not compressed with compress: false", () => {
    const { codec, count } = countingCodec();
    const { endpoint, written } = open(false, codec);
    endpoint.sendPrepared(new PreparedMessage(LONG, false));
    expect(written()).toBe(frame("81", hexOf(LONG)));
    expect(count()).toBe(0);
  });

  it("is masked with a different key by each client (RFC 6455 5.3)", () => {
    const message = new PreparedMessage("masked");
    const { endpoint, written } = probe("client");
    endpoint.sendPrepared(message);
    endpoint.sendPrepared(message);
    expect(written()).toBe(frame("81", hexOf("masked")).repeat(2));
    expect(framesOf(message).size).toBe(0);
  });
});
