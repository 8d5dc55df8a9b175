import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type FrameHandler, FrameParser } from "../../src/protocol/frame-parser.ts";
import { asPeerOf, frame, fromHex, hexOf, probe, ROLES, toHex } from "./support.ts";

const ABNORMAL = { code: 1006, reason: "", wasClean: false };

describe.each(ROLES)("frames received by a %s", (role) => {
  it("can be a text message in one frame (RFC 6455 5.7)", () => {
    const { receive, events } = probe(role);
    receive("810548656c6c6f");
    expect(events).toEqual([{ text: "Hello" }]);
  });

  it("can be a text message in two fragments (RFC 6455 5.7)", () => {
    const { receive, events } = probe(role);
    receive("010348656c", "80026c6f");
    expect(events).toEqual([{ text: "Hello" }]);
  });

  it.each([0, 1, 125, 126, 127, 65_535, 65_536, 70_000])(
    "can be a binary message of %i bytes (RFC 6455 5.2)",
    (length) => {
      const { receive, events } = probe(role);
      const payload = toHex(Uint8Array.from({ length }, (_, index) => index * 7));
      receive(frame("82", payload));
      expect(events).toEqual([{ binary: payload }]);
    },
  );

  it("can be an empty text message and empty fragments (RFC 6455 5.4)", () => {
    const { receive, events } = probe(role);
    receive("8100", "0100", "0000", "8000", "0200", "000141", "8000");
    expect(events).toEqual([{ text: "" }, { text: "" }, { binary: "41" }]);
  });

  it("can be control frames between the fragments of a message (RFC 6455 5.4)", () => {
    const { receive, events } = probe(role);
    receive("010348656c", "890170", "8a0171", "80026c6f");
    expect(events).toEqual([{ ping: "70" }, { pong: "71" }, { text: "Hello" }]);
  });

  it("become binary messages that do not share memory with the chunk", () => {
    const { endpoint, events } = probe(role);
    const chunk = asPeerOf(role, fromHex("8203010203"));
    endpoint.receive(chunk);
    chunk.fill(0xff);
    expect(events).toEqual([{ binary: "010203" }]);
  });

  it("keep a byte order mark in the text (WHATWG Encoding, UTF-8 decode without BOM)", () => {
    const { receive, events } = probe(role);
    receive(frame("81", "efbbbf41"));
    expect(events).toEqual([{ text: "\uFEFFA" }]);
  });

  it.each([
    ["RSV1 without an extension (5.2)", "c100", "RESERVED_BITS"],
    ["RSV2 without an extension (5.2)", "a100", "RESERVED_BITS"],
    ["RSV3 without an extension (5.2)", "9100", "RESERVED_BITS"],
    ["RSV1 on a control frame (5.2)", "c900", "RESERVED_BITS"],
    ["the reserved data opcode 3 (5.2)", "8300", "RESERVED_OPCODE"],
    ["the reserved data opcode 7 (5.2)", "8700", "RESERVED_OPCODE"],
    ["the reserved control opcode 11 (5.2)", "8b00", "RESERVED_OPCODE"],
    ["the reserved control opcode 15 (5.2)", "8f00", "RESERVED_OPCODE"],
    ["a fragmented ping (5.5)", "0900", "FRAGMENTED_CONTROL"],
    ["a fragmented Close (5.5)", "0800", "FRAGMENTED_CONTROL"],
    ["a ping of 126 bytes (5.5)", frame("89", "00".repeat(126)), "CONTROL_TOO_BIG"],
    ["a continuation without a message (5.4)", "8000", "CONTINUATION_UNEXPECTED"],
    ["a length of 125 written in 16 bits (5.2)", "827e007d", "LENGTH_NOT_MINIMAL"],
    ["a length of 65535 written in 64 bits (5.2)", "827f000000000000ffff", "LENGTH_NOT_MINIMAL"],
    ["a 64-bit length with its highest bit set (5.2)", "827f8000000000000000", "LENGTH_TOO_BIG"],
    ["a Close frame of one byte (5.5.1)", "880103", "INVALID_CLOSE_PAYLOAD"],
  ])("fail with 1002 for %s", (_, hex, code) => {
    const { endpoint, events, written } = probe(role);
    const bytes = fromHex(hex);
    // Fed directly: some of these headers declare payloads that do not follow.
    if (role === "server") bytes[1] |= 0x80;
    endpoint.receive(bytes);
    endpoint.receive(new Uint8Array(8));
    expect(events).toEqual([{ end: ABNORMAL, violation: `1002 ${code}` }]);
    expect(written()).toMatch(/^88..03ea/);
    expect(endpoint.state).toBe("closed");
  });

  it("fail with 1002 for a new message within another (RFC 6455 5.4)", () => {
    const { receive, events } = probe(role);
    receive("010141", "810142");
    expect(events).toEqual([{ end: ABNORMAL, violation: "1002 CONTINUATION_EXPECTED" }]);
  });

  it("fail with 1002 for the wrong masking (RFC 6455 5.1)", () => {
    const { endpoint, events, written } = probe(role);
    endpoint.receive(fromHex(role === "server" ? "810141" : "81810000000041"));
    const code = role === "server" ? "MASK_REQUIRED" : "MASK_FORBIDDEN";
    expect(events).toEqual([{ end: ABNORMAL, violation: `1002 ${code}` }]);
    const reason =
      role === "server" ? "a frame from a client is not masked" : "a frame from a server is masked";
    expect(written()).toBe(frame("88", `03ea${hexOf(reason)}`));
  });

  it.each(["0", "999", "1004", "1005", "1006", "1015", "1016", "1100", "2000", "2999", "5000"])(
    "fail with 1002 for the close code %s (RFC 6455 7.4)",
    (code) => {
      const { receive, events } = probe(role);
      receive(frame("88", Number(code).toString(16).padStart(4, "0")));
      expect(events).toEqual([{ end: ABNORMAL, violation: "1002 INVALID_CLOSE_CODE" }]);
    },
  );

  it("fail with 1007 for a close reason that is not UTF-8 (RFC 6455 5.5.1)", () => {
    const { receive, events, written } = probe(role);
    receive(frame("88", "03e8c328"));
    expect(events).toEqual([{ end: ABNORMAL, violation: "1007 INVALID_UTF8" }]);
    expect(written()).toMatch(/^88..03ef/);
  });

  it("are ignored after a violation", () => {
    const { receive, events } = probe(role);
    receive("8300", "810141", "8800");
    expect(events).toHaveLength(1);
  });

  describe("with text that is not UTF-8 (RFC 6455 8.1) fail with 1007", () => {
    const FAILED = [{ end: ABNORMAL, violation: "1007 INVALID_UTF8" }];

    it("in one frame", () => {
      const { receive, events } = probe(role);
      receive(frame("81", "48c328"));
      expect(events).toEqual(FAILED);
    });

    it("at its first invalid byte, before the rest of the frame arrives", () => {
      const { endpoint, events } = probe(role);
      const whole = asPeerOf(role, fromHex(frame("81", `4142ff${"43".repeat(100)}`)));
      const headerBytes = role === "server" ? 6 : 2;
      endpoint.receive(whole.subarray(0, headerBytes + 2));
      expect(events).toEqual([]);
      endpoint.receive(whole.subarray(headerBytes + 2, headerBytes + 3));
      expect(events).toEqual(FAILED);
    });

    it("if a later fragment breaks a sequence", () => {
      const { receive, events } = probe(role);
      receive(frame("01", "e282"));
      expect(events).toEqual([]);
      receive(frame("00", "41"));
      expect(events).toEqual(FAILED);
    });

    it("if the message ends within a sequence", () => {
      const { receive, events } = probe(role);
      receive(frame("01", "e282"), "8000");
      expect(events).toEqual(FAILED);
    });
  });

  it("may split a UTF-8 sequence between fragments", () => {
    const { receive, events } = probe(role);
    receive(frame("01", "f09f"), "8900", frame("80", "9880"));
    expect(events).toEqual([{ ping: "" }, { text: "😀" }]);
  });

  it("may have binary data that is not UTF-8, in fragments", () => {
    const { receive, events } = probe(role);
    receive(frame("02", "ff"), frame("80", "fe"), frame("81", hexOf("é")));
    expect(events).toEqual([{ binary: "fffe" }, { text: "é" }]);
  });
});

interface Found {
  readonly first: string;
  readonly length: number;
  readonly key: string;
  /** Still masked. */
  payload: string;
}

/** Records the frames and checks that their parts arrive in order. */
class Recorder implements FrameHandler {
  readonly found: Array<Found | string> = [];
  parser: FrameParser | undefined;
  onBegin: () => void = () => {};

  beginFrame(
    firstByte: number,
    length: number,
    maskingKey: number,
    chunk: Uint8Array,
    start: number,
    end: number,
  ): void {
    const key = (maskingKey >>> 0).toString(16);
    this.found.push({ first: firstByte.toString(16), length, key, payload: "" });
    this.addPayload(chunk, start, end, length - (end - start));
    this.onBegin();
  }

  addPayload(chunk: Uint8Array, start: number, end: number, missing: number): void {
    const latest = this.found.at(-1) as Found;
    latest.payload += toHex(chunk.subarray(start, end));
    expect(latest.payload).toHaveLength((latest.length - missing) * 2);
  }

  onFault({ closeCode, code }: { readonly closeCode: number; readonly code: string }): void {
    this.found.push(`${closeCode} ${code}`);
    this.parser!.stop();
  }
}

function parserOf(isMasked: boolean, allowsCompressed = false): [FrameParser, Recorder] {
  const recorder = new Recorder();
  const parser = new FrameParser({ isMasked, allowsCompressed }, recorder);
  recorder.parser = parser;
  return [parser, recorder];
}

describe.each(ROLES)("the frame parser of a %s", (role) => {
  const isMasked = role === "server";
  const KEY = isMasked ? "37fa213d" : "0";

  it("finds the frames of RFC 6455 5.7", () => {
    const [parser, { found }] = parserOf(isMasked);
    parser.receive(asPeerOf(role, fromHex("0103ffffff" + "8900" + "8002fefe")));
    expect(found).toEqual([
      { first: "1", length: 3, key: KEY, payload: isMasked ? "c805de" : "ffffff" },
      { first: "89", length: 0, key: KEY, payload: "" },
      { first: "80", length: 2, key: KEY, payload: isMasked ? "c904" : "fefe" },
    ]);
  });

  it("finds the same frames wherever the bytes are split, paused or not", () => {
    const frames = fc.array(
      fc.tuple(
        fc.constantFrom("81", "82", "89", "8a"),
        fc.oneof(fc.integer({ min: 0, max: 125 }), fc.constantFrom(126, 300, 65_536)),
      ),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(
        frames,
        fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 20 }),
        fc.boolean(),
        (given, cuts, pauses) => {
          const hex = given.map(([first, length]) => {
            const isControl = first.startsWith("8") && first > "88";
            return frame(first, "ab".repeat(isControl ? Math.min(length, 125) : length));
          });
          const bytes = asPeerOf(role, fromHex(hex.join("")));
          const [whole, expected] = parserOf(isMasked);
          whole.receive(bytes);
          const [parser, recorder] = parserOf(isMasked);
          if (pauses) recorder.onBegin = () => parser.pause();
          let at = 0;
          for (const length of [...cuts, bytes.length]) {
            parser.receive(bytes.slice(at, at + length));
            at += length;
            while (pauses && parser.waitingBytes > 0) parser.resume();
            parser.resume();
          }
          expect(recorder.found).toEqual(expected.found);
          expect(expected.found).toHaveLength(given.length);
          expect(parser.waitingBytes).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("reports an invalid frame at its second byte and nothing after it", () => {
    const [parser, { found }] = parserOf(isMasked);
    parser.receive(Uint8Array.of(0xc1));
    expect(found).toEqual([]);
    parser.receive(Uint8Array.of(isMasked ? 0x81 : 0x01));
    parser.receive(asPeerOf(role, fromHex(frame("81", "61"))));
    expect(found).toEqual(["1002 RESERVED_BITS"]);
  });

  it("accepts RSV1 only on the first frame of a message with compression (RFC 7692 6)", () => {
    const [parser, { found }] = parserOf(isMasked, true);
    parser.receive(asPeerOf(role, fromHex(frame("41", "") + frame("c0", ""))));
    expect(found).toEqual([
      { first: "41", length: 0, key: KEY, payload: "" },
      "1002 RESERVED_BITS",
    ]);
  });

  it("queues bytes received during parsing", () => {
    const [parser, recorder] = parserOf(isMasked);
    const next = asPeerOf(role, fromHex(frame("82", "")));
    recorder.onBegin = () => {
      recorder.onBegin = () => {};
      parser.receive(next);
    };
    parser.receive(asPeerOf(role, fromHex(frame("89", "") + frame("8a", ""))));
    expect(recorder.found.map((each) => (each as Found).first)).toEqual(["89", "8a", "82"]);
  });

  it("releases queued bytes when it is stopped", () => {
    const [parser, { found }] = parserOf(isMasked);
    parser.pause();
    parser.receive(new Uint8Array(100));
    expect(parser.waitingBytes).toBe(100);
    parser.stop();
    parser.resume();
    expect(parser.waitingBytes).toBe(0);
    expect(found).toEqual([]);
  });
});
