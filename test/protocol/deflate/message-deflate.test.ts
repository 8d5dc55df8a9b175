import { constants, deflateRawSync } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import { fastEnvironment } from "../../../src/node/serve/tcp-environments.ts";
import type { DeflateCodec, Deflater, Inflater } from "../../../src/protocol/deflate/codec.ts";
import type { DeflateAgreement } from "../../../src/protocol/deflate/index.ts";
import type { EndpointOptions } from "../../../src/protocol/endpoint.ts";
import { MessageDeflate } from "../../../src/protocol/deflate/message-deflate.ts";
import { frame, fromHex, hexOf, probe, type Probe, type Role, ROLES, toHex } from "../support.ts";

const codec = fastEnvironment.deflateCodec;

function deflateOption(takesOver: boolean, thresholdBytes = 0): EndpointOptions["deflate"] {
  const context = { windowBits: 15, takesOver };
  const agreement: DeflateAgreement = {
    sending: context,
    receiving: context,
    settings: {
      context: takesOver ? "dedicated" : "shared",
      thresholdBytes,
      windowBits: 15,
      level: 6,
    },
  };
  return { agreement, codec };
}

function compressing(role: Role, options: Partial<EndpointOptions> = {}): Probe {
  return probe(role, { deflate: deflateOption(false), ...options });
}

function deflated(text: string): string {
  return toHex(deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4));
}

const HELLO = "f248cdc9c90700";

it("the error for an inflated message above the limit names the limit", () => {
  const context = { windowBits: 15, takesOver: false };
  const settings = { context: "shared", thresholdBytes: 0, windowBits: 15, level: 6 } as const;
  const agreement = { sending: context, receiving: context, settings };
  const bytes = fromHex(deflated("x".repeat(10_001)));
  const deflate = new MessageDeflate(agreement, codec);
  onTestFinished(() => deflate.close());
  expect(deflate.inflate(bytes, 0, bytes.length, 10_000)).toMatchObject({
    code: "MESSAGE_TOO_BIG",
    message: "message of over 10000 bytes exceeds maxMessageBytes 10000",
  });
});

it.each([
  [0, 0, false],
  [0, 1, true],
  [100, 99, false],
  [100, 100, true],
])(
  "with thresholdBytes %i, whether a message of %i bytes is compressed is %s",
  (threshold, byteLength, isFor) => {
    const { agreement } = deflateOption(false, threshold)!;
    const deflate = new MessageDeflate(agreement, codec);
    onTestFinished(() => deflate.close());
    expect(deflate.isFor(byteLength)).toBe(isFor);
  },
);

describe.each(ROLES)("a %s endpoint with permessage-deflate", (role) => {
  it("inflates the compressed message of RFC 7692 7.2.3.1", () => {
    const { events, receive } = compressing(role);
    receive(frame("c1", HELLO));
    expect(events).toEqual([{ text: "Hello" }]);
  });

  it("inflates a fragmented compressed message with RSV1 on the first fragment only (RFC 7692 6.2)", () => {
    const { events, receive } = compressing(role);
    receive(frame("41", "f248cd"), frame("80", "c9c90700"));
    receive(frame("42", ""), frame("00", "f2"), frame("00", ""), frame("80", HELLO.slice(2)));
    expect(events).toEqual([{ text: "Hello" }, { binary: hexOf("Hello") }]);
  });

  it("answers control frames between the fragments of a compressed message", () => {
    const { events, receive, written } = compressing(role);
    receive(frame("41", "f248cd"), frame("89", hexOf("hey")));
    expect(written()).toBe(frame("8a", hexOf("hey")));
    receive(frame("80", "c9c90700"));
    expect(events).toEqual([{ ping: hexOf("hey") }, { text: "Hello" }]);
  });

  it("accepts uncompressed messages between compressed ones", () => {
    const { events, receive } = compressing(role);
    receive(frame("c1", HELLO), frame("81", hexOf("plain")), frame("01", hexOf("pl")));
    receive(frame("80", hexOf("ain")), frame("c2", HELLO));
    expect(events).toEqual([
      { text: "Hello" },
      { text: "plain" },
      { text: "plain" },
      { binary: hexOf("Hello") },
    ]);
  });

  it("inflates an empty message (RFC 7692 7.2.3.6)", () => {
    const { events, receive } = compressing(role);
    receive(frame("c1", "00"), frame("c2", "00"));
    expect(events).toEqual([{ text: "" }, { binary: "" }]);
  });

  it.each([
    ["RSV1 on a continuation", [frame("41", "f248cd"), frame("c0", "c9c90700")]],
    ["RSV1 on a ping", [frame("c9", "")]],
    ["RSV1 on a pong", [frame("ca", "")]],
    ["RSV1 on a Close frame", [frame("c8", "03e8")]],
    ["RSV2", [frame("a1", hexOf("a"))]],
    ["RSV3", [frame("91", hexOf("a"))]],
    ["RSV1 and RSV2", [frame("e1", HELLO)]],
    ["RSV1 on a reserved opcode", [frame("c3", "")]],
  ])("fails the connection with 1002 for %s", (_, frames) => {
    const { events, receive } = compressing(role);
    receive(...frames);
    expect(events).toMatchObject([{ violation: "1002 RESERVED_BITS" }]);
  });

  it("fails the connection with 1007 for data that cannot be inflated", () => {
    const { events, receive } = compressing(role);
    receive(frame("c1", "ffffffff"));
    expect(events).toMatchObject([{ violation: "1007 INVALID_DEFLATE" }]);
  });

  it("fails the connection with 1007 for inflated text that is not UTF-8", () => {
    const { events, receive } = compressing(role);
    const bad = deflateRawSync(Buffer.from("fe", "hex"), { finishFlush: constants.Z_SYNC_FLUSH });
    receive(frame("c1", toHex(bad.subarray(0, -4))));
    expect(events).toMatchObject([{ violation: "1007 INVALID_UTF8" }]);
  });

  it.each(["c1", "c2"])(
    "accepts %s of maxMessageBytes inflated, and closes with 1009 above",
    (first) => {
      const within = compressing(role, { maxMessageBytes: 10_000 });
      within.receive(frame(first, deflated("x".repeat(10_000))));
      expect(within.events).toHaveLength(1);
      expect(within.events).not.toHaveProperty("0.end");
      const beyond = compressing(role, { maxMessageBytes: 10_000 });
      beyond.receive(frame(first, deflated("x".repeat(10_001))));
      expect(beyond.events).toMatchObject([{ violation: "1009 MESSAGE_TOO_BIG" }]);
    },
  );

  it("closes with 1009 at a compressed length that no message within the limit needs", () => {
    const { events, receive } = compressing(role, { maxMessageBytes: 1000 });
    // A header that declares 1190 bytes; their content does not matter.
    receive("c27e04a6");
    expect(events).toMatchObject([{ violation: "1009 MESSAGE_TOO_BIG" }]);
  });

  it("accepts incompressible messages of maxMessageBytes that are longer when compressed", () => {
    const { events, receive } = compressing(role, { maxMessageBytes: 1000 });
    const noise = Uint8Array.from({ length: 1000 }, (_x, at) => (at * at * 2_654_435_761) >>> 21);
    const stored = deflateRawSync(noise, { level: 0, finishFlush: constants.Z_SYNC_FLUSH });
    receive(frame("c2", toHex(stored.subarray(0, -4))));
    expect(events).toEqual([{ binary: toHex(noise) }]);
  });

  it("reports the same events wherever the bytes are split", () => {
    const { endpoint, events } = compressing("client");
    const bytes = Buffer.from(
      frame("41", "f248cd") + frame("89", "aa") + frame("80", "c9c90700") + frame("c1", HELLO),
      "hex",
    );
    for (const byte of bytes) endpoint.receive(Uint8Array.of(byte));
    expect(events).toEqual([{ ping: "aa" }, { text: "Hello" }, { text: "Hello" }]);
  });

  it("sends compressed messages with RSV1 on the first fragment", () => {
    const { endpoint, written } = compressing(role, { maxFrameBytes: 8 });
    const text = "tide ".repeat(40) + "and way";
    endpoint.sendText(text);
    const frames = written();
    expect(frames.slice(0, 4)).toBe("4108");
    const other = compressing(role === "server" ? "client" : "server");
    other.receive(frames);
    expect(other.events).toEqual([{ text }]);
  });

  it("does not compress messages that are short, excluded, empty or longer when compressed", () => {
    const { endpoint, output, written } = probe(role, { deflate: deflateOption(false, 10) });
    endpoint.sendText("aaaaaaaaa");
    endpoint.sendText("éééé");
    endpoint.sendText("a".repeat(30), false);
    endpoint.sendBinary(new Uint8Array(30), false);
    endpoint.sendText("");
    endpoint.sendText("0123456789");
    expect(output.savedBytes).toBe(0);
    expect(written()).toBe(
      frame("81", hexOf("aaaaaaaaa")) +
        frame("81", hexOf("éééé")) +
        frame("81", hexOf("a".repeat(30))) +
        frame("82", "00".repeat(30)) +
        frame("81", "") +
        frame("81", hexOf("0123456789")),
    );
    endpoint.sendText("éééééééééé");
    expect(output.savedBytes).toBeGreaterThan(0);
    expect(written().slice(0, 2)).toBe("c1");
  });

  it("keeps its compression contexts from message to message in both directions", () => {
    const deflate = deflateOption(true);
    const sender = probe(role === "server" ? "client" : "server", { deflate });
    const receiver = probe(role, { deflate });
    const lengths = Array.from({ length: 3 }, () => {
      sender.endpoint.sendText("the same again, and not for the last time");
      const frames = sender.written();
      receiver.receive(frames);
      return frames.length;
    });
    expect(receiver.events).toEqual(
      lengths.map(() => ({ text: "the same again, and not for the last time" })),
    );
    expect(lengths[1]).toBeLessThan(lengths[0] / 2);
  });

  it.each<[string, (probe: Probe) => void]>([
    ["after the closing handshake", ({ receive }) => receive(frame("88", ""))],
    ["when the peer violates the protocol", ({ receive }) => receive(frame("c3", ""))],
    ["when the bytes end", ({ endpoint }) => endpoint.receiveEnd()],
  ])("closes its compressor and its decompressor %s", (_, end) => {
    const { agreement } = deflateOption(true)!;
    const closed: string[] = [];
    const watched = <T extends Deflater | Inflater>(name: string, one: T): T => {
      const close = one.close.bind(one);
      one.close = () => {
        closed.push(name);
        close();
      };
      return one;
    };
    const watchedCodec: DeflateCodec = {
      ...codec,
      createDeflater: (...args) => watched("deflater", codec.createDeflater(...args)),
      createInflater: (...args) => watched("inflater", codec.createInflater(...args)),
    };
    const one = probe(role, { deflate: { agreement, codec: watchedCodec } });
    one.endpoint.sendText("Hello");
    one.receive(frame("c1", HELLO));
    expect(closed).toEqual([]);
    end(one);
    expect(closed).toEqual(["deflater", "inflater"]);
  });

  it("does not compress if the peer allows a window of only 256 bytes", () => {
    const narrow = { windowBits: 8, takesOver: true };
    const { agreement } = deflateOption(true)!;
    const { endpoint, written } = probe(role, {
      deflate: { agreement: { ...agreement, sending: narrow }, codec },
    });
    endpoint.sendText("a".repeat(30));
    expect(written()).toBe(frame("81", hexOf("a".repeat(30))));
  });
});

describe.each(ROLES)("a %s endpoint without permessage-deflate", (role) => {
  it("fails the connection with 1002 for RSV1 (RFC 6455 5.2)", () => {
    const { events, receive } = probe(role);
    receive(frame("c1", HELLO));
    expect(events).toMatchObject([{ violation: "1002 RESERVED_BITS" }]);
  });
});

describe.each([true, false])("a message in fragments, with context takeover %s", (takesOver) => {
  it.each([[["first ", "second"]], [["first ", ""]], [["first", "", " and second"]]])(
    "is compressed as its first fragment decides: %j",
    (parts) => {
      const sender = probe("server", { deflate: deflateOption(takesOver) });
      const receiver = probe("client", { deflate: deflateOption(takesOver) });
      for (const text of ["one", "two"]) {
        parts.forEach((part, index) => {
          const bytes = fromHex(hexOf(part + (index === 0 ? text : "")));
          sender.endpoint.sendFragment(bytes, "text", index === parts.length - 1);
        });
      }
      receiver.receive(sender.written());
      const [first, ...rest] = parts;
      expect(receiver.events).toEqual([
        { text: [`${first}one`, ...rest].join("") },
        { text: [`${first}two`, ...rest].join("") },
      ]);
    },
  );
});
