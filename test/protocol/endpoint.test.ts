import { describe, expect, it } from "vitest";
import { UsageError } from "../../src/errors/index.ts";
import { Endpoint } from "../../src/protocol/endpoint.ts";
import { OutputBuffer } from "../../src/protocol/output-buffer.ts";
import {
  asPeerOf,
  exactPool,
  frame,
  fromHex,
  hexOf,
  plainEnvironment,
  probe,
  ROLES,
  toHex,
} from "./support.ts";

describe.each(ROLES)("frames sent by a %s", (role) => {
  it("contain a whole text or binary message each (RFC 6455 5.6)", () => {
    const { endpoint, written } = probe(role);
    endpoint.sendText("Hello");
    endpoint.sendBinary(fromHex("0102"));
    endpoint.sendText("");
    expect(written()).toBe("810548656c6c6f" + "82020102" + "8100");
  });

  it.each([125, 126, 65_535, 65_536])("have a length of %i in its shortest form", (length) => {
    const { endpoint, written } = probe(role);
    const payload = toHex(Uint8Array.from({ length }, (_, index) => index));
    endpoint.sendBinary(fromHex(payload));
    expect(written()).toBe(frame("82", payload));
  });

  it.each([41, 42, 43, 124, 125, 126, 1365, 1366, 21_845, 21_846, 65_535])(
    "contain a text of %i characters in UTF-8, with one to three bytes per character",
    (length) => {
      for (const character of ["a", "é", "語"]) {
        const { endpoint, written } = probe(role);
        endpoint.sendText(character.repeat(length));
        expect(written()).toBe(frame("81", hexOf(character.repeat(length))));
      }
    },
  );

  it("contain U+FFFD instead of lone surrogates, because text is UTF-8 (RFC 6455 8.1)", () => {
    const { endpoint, written } = probe(role);
    endpoint.sendText("a\ud800b");
    expect(written()).toBe(frame("81", hexOf("a\ufffdb")));
  });

  it("do not change the caller's bytes", () => {
    const { endpoint } = probe(role);
    const bytes = fromHex("00112233");
    endpoint.sendBinary(bytes);
    expect(toHex(bytes)).toBe("00112233");
  });

  it("are fragments for messages above maxFrameBytes (RFC 6455 5.4)", () => {
    const { endpoint, written } = probe(role, { maxFrameBytes: 2 });
    endpoint.sendBinary(fromHex("0102030405"));
    endpoint.sendText("éa");
    endpoint.sendText("ab");
    expect(written()).toBe(
      ["02020102", "00020304", "800105", "0102c3a9", "800161", "81026162"].join(""),
    );
  });

  it("answer a ping with its payload (RFC 6455 5.5.3)", () => {
    const { receive, written } = probe(role);
    receive("8900", frame("89", "00".repeat(125)));
    expect(written()).toBe("8a00" + frame("8a", "00".repeat(125)));
  });

  it("can be pings and pongs of up to 125 bytes, and longer ones throw (RFC 6455 5.5)", () => {
    const { endpoint, written } = probe(role);
    endpoint.ping(new Uint8Array(125));
    endpoint.pong(new Uint8Array(0));
    expect(written()).toBe(frame("89", "00".repeat(125)) + "8a00");
    expect(() => endpoint.ping(new Uint8Array(126))).toThrow(UsageError);
    expect(written()).toBe("");
  });
});

describe("masking keys (RFC 6455 5.3)", () => {
  it("are fresh for each frame of a client, even beyond one batch of random bytes", () => {
    const output = new OutputBuffer(exactPool);
    const events = { onText() {}, onBinary() {}, onPing() {}, onPong() {}, onFinish() {} };
    const client = new Endpoint({ role: "client" }, plainEnvironment, output, events);
    const keys = new Set<string>();
    for (let count = 0; count < 3000; count++) {
      client.ping(new Uint8Array(0));
      keys.add(toHex(output.detach().subarray(2, 6)));
    }
    // Among 3000 keys of 32 bits two collide once in a thousand runs, three hardly ever.
    expect(keys.size).toBeGreaterThanOrEqual(2998);
  });
});

describe.each(ROLES)("the closing handshake of a %s (RFC 6455 7)", (role) => {
  it("answers a Close frame with its code and closes", () => {
    const { endpoint, receive, events, written } = probe(role);
    receive(frame("88", "0bb8" + hexOf("bye")));
    expect(written()).toBe("88020bb8");
    expect(events).toEqual([{ end: { code: 3000, reason: "bye", wasClean: true } }]);
    expect(endpoint.state).toBe("closed");
  });

  it("answers a Close frame without a code by one without a code, and reports 1005 (7.1.5)", () => {
    const { receive, events, written } = probe(role);
    receive("8800");
    expect(written()).toBe("8800");
    expect(events).toEqual([{ end: { code: 1005, reason: "", wasClean: true } }]);
  });

  it("sends a Close frame, waits for the peer's and does not answer it", () => {
    const { endpoint, receive, events, written } = probe(role);
    endpoint.close(1000, "done");
    expect(endpoint.state).toBe("closing");
    expect(written()).toBe(frame("88", "03e8" + hexOf("done")));
    expect(events).toEqual([]);
    receive("880203e8");
    expect(written()).toBe("");
    expect(events).toEqual([{ end: { code: 1000, reason: "", wasClean: true } }]);
  });

  it("reports the peer's code, not the local one (7.1.5)", () => {
    const { endpoint, receive, events } = probe(role);
    endpoint.close(4001);
    receive(frame("88", "0fa2" + hexOf("mine")));
    expect(events).toEqual([{ end: { code: 4002, reason: "mine", wasClean: true } }]);
  });

  it("closes without a code", () => {
    const { endpoint, written } = probe(role);
    endpoint.close();
    expect(written()).toBe("8800");
  });

  it("sends no second Close frame", () => {
    const { endpoint, receive, written } = probe(role);
    endpoint.close(1000);
    endpoint.close(1001);
    receive("880203e8");
    endpoint.close(1001);
    expect(written()).toBe("880203e8");
  });

  it("discards data but answers pings while it waits for the Close frame", () => {
    const { endpoint, receive, events, written } = probe(role);
    endpoint.close(1000);
    written();
    receive("810141", "890170");
    expect(events).toEqual([{ ping: "70" }]);
    expect(written()).toBe("8a0170");
  });

  it("fails for invalid frames while it waits, without a second Close frame (7.1.7)", () => {
    const { endpoint, receive, events, written } = probe(role);
    endpoint.close(1000);
    written();
    receive("8300");
    expect(written()).toBe("");
    expect(events).toEqual([
      { end: { code: 1006, reason: "", wasClean: false }, violation: "1002 RESERVED_OPCODE" },
    ]);
  });

  it("ignores bytes after the peer's Close frame (5.5.1)", () => {
    const { receive, events } = probe(role);
    receive("880203e8810141", "8300");
    expect(events).toHaveLength(1);
  });

  it("reports 1006 when the bytes end without a Close frame (7.1.5)", () => {
    const { endpoint, receive, events } = probe(role);
    receive("0101");
    endpoint.receiveEnd();
    endpoint.receiveEnd();
    expect(events).toEqual([{ end: { code: 1006, reason: "", wasClean: false } }]);
  });

  it("reports 1006 when the bytes end while it waits for the Close frame", () => {
    const { endpoint, events } = probe(role);
    endpoint.close(1000);
    endpoint.receiveEnd();
    expect(events).toEqual([{ end: { code: 1006, reason: "", wasClean: false } }]);
  });

  it.each([0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 1000.5, NaN])(
    "refuses to send the close code %d and stays open (7.4)",
    (code) => {
      const { endpoint, written } = probe(role);
      expect(() => endpoint.close(code)).toThrow(
        expect.objectContaining({ code: "INVALID_CLOSE_CODE" }),
      );
      expect(endpoint.state).toBe("open");
      expect(written()).toBe("");
    },
  );

  it("refuses a close reason of more than 123 bytes (5.5)", () => {
    const { endpoint, written } = probe(role);
    expect(() => endpoint.close(1000, "é".repeat(62))).toThrow(
      expect.objectContaining({ code: "INVALID_CLOSE_REASON" }),
    );
    endpoint.close(1000, "é".repeat(61) + "a");
    expect(written()).toBe(frame("88", "03e8" + hexOf("é".repeat(61) + "a")));
  });

  it("refuses a reason without a code", () => {
    expect(() => probe(role).endpoint.close(undefined, "why")).toThrow(UsageError);
  });

  it("throws on sending when closing or closed, and writes nothing", () => {
    const { endpoint, receive, written } = probe(role);
    endpoint.close(1000);
    written();
    for (const _state of ["closing", "closed"]) {
      expect(() => endpoint.sendText("a")).toThrow(expect.objectContaining({ code: "NOT_OPEN" }));
      expect(() => endpoint.sendBinary(new Uint8Array(1))).toThrow(UsageError);
      expect(() => endpoint.ping(new Uint8Array(0))).toThrow(UsageError);
      receive("880203e8");
    }
    expect(written()).toBe("");
  });
});

describe.each(ROLES)("a paused %s", (role) => {
  it("holds back frames within a chunk and later continues in order", () => {
    const { endpoint, receive, events, written } = probe(role);
    endpoint.pause();
    receive("810141", "890170810142");
    expect(events).toEqual([]);
    endpoint.resume();
    expect(events).toEqual([{ text: "A" }, { ping: "70" }, { text: "B" }]);
    expect(written()).toBe("8a0170");
  });

  it("drops held frames and reads the peer's Close frame when it closes", () => {
    const { endpoint, receive, events } = probe(role);
    endpoint.pause();
    receive("810141", "880203e8");
    endpoint.close(1000);
    expect(events).toEqual([{ end: { code: 1000, reason: "", wasClean: true } }]);
  });

  it("can be paused in a callback and resumed in the next", () => {
    const { endpoint, events } = probe(role);
    const push = events.push.bind(events);
    events.push = (...items) => {
      endpoint.pause();
      return push(...items);
    };
    endpoint.receive(asPeerOf(role, fromHex("810141810142810143")));
    expect(events).toHaveLength(1);
    endpoint.resume();
    expect(events).toHaveLength(2);
    events.push = push;
    endpoint.resume();
    expect([...events]).toEqual([{ text: "A" }, { text: "B" }, { text: "C" }]);
  });
});

describe.each(ROLES)("the options of an endpoint, as a %s", (role) => {
  it("leave pings unanswered with answersPings: false", () => {
    const { receive, written, events } = probe(role, { answersPings: false });
    receive("890161");
    expect(events).toEqual([{ ping: "61" }]);
    expect(written()).toBe("");
  });

  it("receive messages after its own Close frame with closing.receivesMessages", () => {
    const { endpoint, receive, events } = probe(role, { closing: { receivesMessages: true } });
    endpoint.close(1000);
    receive("810161");
    expect(events).toEqual([{ text: "a" }]);
  });

  it("repeat the reason in the answer with closing.echoesReason", () => {
    const { receive, written } = probe(role, { closing: { echoesReason: true } });
    receive("880403e86162");
    expect(written()).toBe("880403e86162");
  });

  it("send no reason when it fails with closing.explainsFailure: false", () => {
    const { receive, written } = probe(role, { closing: { explainsFailure: false } });
    receive("8500");
    expect(written()).toBe("880203ea");
  });

  it("count fragments, including empty fragments, with maxFragments (RFC 6455 10.4)", () => {
    const { receive, events } = probe(role, { maxFragments: 2 });
    receive("010161", "800162", "0100", "0000", "0000");
    expect(events).toMatchObject([{ text: "ab" }, { violation: "1008 TOO_MANY_FRAGMENTS" }]);
  });

  it("let a caller send fragments, encoded frames, and frames with the other masking", () => {
    const { endpoint, output } = probe(role);
    endpoint.masksFrames = false;
    endpoint.sendFragment(fromHex("61"), "text", false);
    endpoint.sendFragment(fromHex("62"), "text", true);
    endpoint.sendEncoded(fromHex("8a00"));
    endpoint.pong(fromHex(""));
    expect(toHex(output.bytes.subarray(0, output.length))).toBe(
      "010161" + "800162" + "8a00" + "8a00",
    );
  });

  it("report an unknown opcode before a wrong mask", () => {
    const { endpoint, events } = probe(role);
    endpoint.receive(fromHex(role === "server" ? "8500" : "8580"));
    expect(events).toMatchObject([{ violation: "1002 RESERVED_OPCODE" }]);
  });
});
