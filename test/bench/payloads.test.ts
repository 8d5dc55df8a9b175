import { isUtf8 } from "node:buffer";
import { inflateRawSync, constants } from "node:zlib";
import { describe, expect, it } from "vitest";
import { BuiltMessages, buildForServer } from "../../bench/src/load/built-messages.ts";
import { framePayload, serverFrameBytes } from "../../bench/src/load/frames.ts";
import type { MessageShape } from "../../bench/src/load/loads.ts";
import { randomPayload } from "../../bench/src/load/payloads.ts";

const KINDS = ["binary", "ascii", "utf8", "json"] as const;

describe("bench messages", () => {
  it.each(KINDS)("of %s have exactly the requested length", (payload) => {
    for (const payloadBytes of [20, 125, 1024]) {
      expect(randomPayload({ payload, payloadBytes })).toHaveLength(payloadBytes);
    }
  });

  it("of text are UTF-8, with non-ASCII characters on request", () => {
    for (const payload of ["ascii", "utf8", "json"] as const) {
      expect(isUtf8(randomPayload({ payload, payloadBytes: 1024 }))).toBe(true);
    }
    const text = randomPayload({ payload: "utf8", payloadBytes: 1024 }).toString();
    expect(text.length).toBeLessThan(900);
  });

  it("of JSON are valid", () => {
    const text = randomPayload({ payload: "json", payloadBytes: 1024 }).toString();
    expect(JSON.parse(text)).toMatchObject({ type: "update" });
  });

  it("are compressed as in RFC 7692 7.2.1", () => {
    const shape: MessageShape = { payload: "json", payloadBytes: 1024, deflate: "no takeover" };
    const payload = randomPayload(shape);
    const deflated = framePayload(shape, payload);
    const restored = Buffer.concat([deflated, Buffer.from([0, 0, 0xff, 0xff])]);
    const inflated = inflateRawSync(restored, { finishFlush: constants.Z_SYNC_FLUSH });
    expect(inflated.equals(payload)).toBe(true);
  });

  it("are contiguous in one buffer, even across the end of the list", () => {
    const [a, bb, c] = ["a", "bb", "c"].map((text) => Buffer.from(text));
    const messages = new BuiltMessages([a, bb, c]);
    expect(messages.slice(0, 3).toString()).toBe("abbc");
    expect(messages.slice(2, 2).toString()).toBe("ca");
    expect(messages.slice(7, 3).toString()).toBe("bbca");
  });

  it("without framing have the length of the frames that a server would send", () => {
    const bare = buildForServer({ payload: "binary", payloadBytes: 125 }, 1, false);
    expect(bare.slice(0, 1)).toHaveLength(serverFrameBytes(125));
  });
});
