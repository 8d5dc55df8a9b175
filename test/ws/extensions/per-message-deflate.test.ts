import { describe, expect, it } from "vitest";
import type { DeflateAgreement } from "../../../src/protocol/deflate/index.ts";
import {
  PerMessageDeflate,
  type PerMessageDeflateInit,
} from "../../../src/ws/extensions/per-message-deflate.ts";

/** The agreement of a server with the given options and an offer of a client. */
function agreement(
  options: PerMessageDeflateInit,
  offer: Record<string, Array<string | true>> = {},
): DeflateAgreement {
  const deflate = new PerMessageDeflate({ isServer: true, ...options });
  deflate.accept([offer]);
  return deflate.agreement!;
}

function accepted(options: PerMessageDeflateInit = {}): PerMessageDeflate {
  const deflate = new PerMessageDeflate(options);
  deflate.accept([{}]);
  return deflate;
}

function call(
  deflate: PerMessageDeflate,
  method: "compress" | "decompress",
  data: Uint8Array,
  fin = true,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    deflate[method](data, fin, (error, result) => (error ? reject(error) : resolve(result!)));
  });
}

describe("agreement", () => {
  it("compresses with context takeover and a window of 8 KiB, by default", () => {
    expect(agreement({})).toEqual({
      sending: { windowBits: 13, takesOver: true },
      receiving: { windowBits: 15, takesOver: true },
      settings: { context: "dedicated", thresholdBytes: 0, windowBits: 13, level: 3 },
    });
  });

  it("applies the threshold only without context takeover", () => {
    const { settings } = agreement({ serverNoContextTakeover: true, threshold: 10 });
    expect(settings).toMatchObject({ context: "shared", thresholdBytes: 10 });
    expect(agreement({ threshold: 10 }).settings.thresholdBytes).toBe(0);
  });

  it("uses the window that the options name, within the window that the client allows", () => {
    expect(agreement({ serverMaxWindowBits: 15 }).sending.windowBits).toBe(15);
    const offer = { server_max_window_bits: ["10"] };
    expect(agreement({}, offer).sending.windowBits).toBe(10);
    const zlibDeflateOptions = { windowBits: 14 };
    expect(agreement({ zlibDeflateOptions }).sending.windowBits).toBe(14);
    expect(agreement({ zlibDeflateOptions }, offer).sending.windowBits).toBe(10);
  });

  it("passes level, memory level and strategy of zlib to the compressor", () => {
    const zlibDeflateOptions = { level: 9, memLevel: 8, strategy: 2 };
    const { settings, tuning } = agreement({ zlibDeflateOptions });
    expect(settings.level).toBe(9);
    expect(tuning).toEqual({ memoryLevel: 8, strategy: 2 });
  });

  it("is undefined before a negotiation", () => {
    const deflate = new PerMessageDeflate();
    expect(deflate.agreement).toBeUndefined();
    expect(() => deflate.compress(Buffer.of(1), true, () => {})).toThrow(/call accept/);
  });
});

describe("compress and decompress", () => {
  it("restore a message, and a message in fragments", async () => {
    const deflate = accepted();
    const text = Buffer.from("again and again and again");
    const whole = await call(deflate, "compress", text);
    expect(await call(deflate, "decompress", whole)).toEqual(text);
    const parts = [
      await call(deflate, "compress", text.subarray(0, 9), false),
      await call(deflate, "compress", text.subarray(9)),
    ];
    expect(await call(deflate, "decompress", parts[0], false)).toEqual(Buffer.alloc(0));
    expect(await call(deflate, "decompress", parts[1])).toEqual(text);
    deflate.cleanup();
  });

  it("restore an empty message (RFC 7692 7.2.3.6)", async () => {
    const deflate = accepted();
    const empty = await call(deflate, "compress", Buffer.alloc(0));
    expect(empty).toEqual(Buffer.of(0));
    expect(await call(deflate, "decompress", empty)).toEqual(Buffer.alloc(0));
    deflate.cleanup();
  });

  it("stop at maxPayload", async () => {
    const deflate = accepted({ maxPayload: 100 });
    const bomb = await call(deflate, "compress", Buffer.alloc(1_000_000));
    await expect(call(deflate, "decompress", bomb)).rejects.toMatchObject({
      name: "RangeError",
      code: "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH",
    });
    deflate.cleanup();
  });

  it("report data that cannot be decompressed", async () => {
    const invalid = call(accepted(), "decompress", Buffer.from("invalid"));
    await expect(invalid).rejects.toMatchObject({ code: "Z_DATA_ERROR", errno: -3 });
  });

  it("call pending callbacks with an error after cleanup", async () => {
    const deflate = accepted();
    const pending = call(deflate, "compress", Buffer.from("abc"));
    deflate.cleanup();
    await expect(pending).rejects.toThrow(/closed/);
  });
});
