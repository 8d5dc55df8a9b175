import { describe, expect, it } from "vitest";
import { handshake, RawClient } from "../support/clients.ts";
import { describeInBun } from "./start.ts";

/** A masked frame with a masking key of zeros. */
function frame(first: number, payload: string): string {
  const { length } = payload;
  const bytes = length < 126 ? [0x80 | length] : [0xfe, length >> 8, length & 0xff];
  return `${String.fromCharCode(first, ...bytes)}\0\0\0\0${payload}`;
}

/** A Close frame. */
function close(code: number, reason = ""): string {
  return frame(0x88, `${String.fromCharCode(code >> 8, code & 0xff)}${reason}`);
}

describeInBun("frames that break the protocol, with tideway/bun,", ({ start, reports }) => {
  /** Sends frames. Returns the error of the socket, and the frames that the server has sent. */
  async function errorFor(frames: string): Promise<{ code?: string; received: string }> {
    const ends: Array<{ readonly error?: { readonly code: string } }> = [];
    const { port } = await start({
      "ws:/": async (socket) => {
        socket.listen((message) => socket.send(message));
        ends.push(await socket.done);
      },
    });
    const client = new RawClient(port).send(handshake("/"));
    await client.receives("\r\n\r\n");
    const received = await client.send(frames).closed();
    await expect.poll(() => ends).toHaveLength(1);
    const { code } = ends[0].error ?? {};
    return {
      ...(code !== undefined && { code }),
      received: received.slice(received.indexOf("\r\n\r\n") + 4),
    };
  }

  it.each<[what: string, bytes: string, code: string, closeCode: number]>([
    ["an unmasked frame", "\x81\x01a", "MASK_REQUIRED", 1002],
    ["an unmasked Close", "\x88\x02\x03\xe8", "MASK_REQUIRED", 1002],
    ["RSV1", frame(0xc1, "a"), "RESERVED_BITS", 1002],
    ["RSV2", frame(0xa1, "a"), "RESERVED_BITS", 1002],
    ["RSV3", frame(0x91, "a"), "RESERVED_BITS", 1002],
    ["opcode 3", frame(0x83, ""), "RESERVED_OPCODE", 1002],
    ["opcode 11", frame(0x8b, ""), "RESERVED_OPCODE", 1002],
    ["a fragmented ping", frame(0x09, ""), "FRAGMENTED_CONTROL", 1002],
    ["a ping of 126 bytes", frame(0x89, "x".repeat(126)), "CONTROL_TOO_BIG", 1002],
    ["a lone continuation", frame(0x80, "a"), "CONTINUATION_UNEXPECTED", 1002],
    ["a text in a message", frame(1, "a") + frame(0x81, "b"), "CONTINUATION_EXPECTED", 1002],
    ["a Close of one byte", frame(0x88, "\x03"), "INVALID_CLOSE_PAYLOAD", 1002],
    ...[0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000].map(
      (code): [string, string, string, number] => [
        `the close code ${code}`,
        close(code),
        "INVALID_CLOSE_CODE",
        1002,
      ],
    ),
    ["a close reason that is not UTF-8", close(1000, "\xff"), "INVALID_UTF8", 1007],
    ["a close reason that is cut off", close(1000, "\xe2\x82"), "INVALID_UTF8", 1007],
    ["text that is not UTF-8", frame(0x81, "\xff"), "INVALID_UTF8", 1007],
    ["a surrogate", frame(0x81, "\xed\xa0\x80"), "INVALID_UTF8", 1007],
    ["a message that is too long", "\x81\xff\0\0\0\0\0\x20\0\0\0\0\0\0", "MESSAGE_TOO_BIG", 1009],
  ])(
    "have the error code and close code of tideway/server: %s",
    async (_, bytes, code, closeCode) => {
      const end = await errorFor(bytes);
      expect(end.code).toBe(code);
      expect(end.received.charCodeAt(0)).toBe(0x88);
      expect((end.received.charCodeAt(2) << 8) | end.received.charCodeAt(3)).toBe(closeCode);
      expect(reports).toMatchObject([{ what: "connection", closeCode }]);
    },
  );

  it.each([1000, 1001, 1007, 1011, 1014, 3000, 4999])(
    "do not include the close code %i, which is sent back",
    async (code) => {
      const { received } = await errorFor(close(code));
      expect(received).toBe(`\x88\x02${close(code).slice(6)}`);
      expect(reports).toEqual([]);
    },
  );

  describe("differ from tideway/server:", () => {
    it("Bun chooses the text of its Close frame, and sends the reason of the peer back", async () => {
      expect((await errorFor(frame(0x83, ""))).received).toContain("Received invalid opcode");
      expect((await errorFor(close(1000, "bye"))).received).toBe("\x88\x05\x03\xe8bye");
    });

    it("a length of 2^63 bytes has the close code 1009", async () => {
      const { code } = await errorFor("\x81\xff\x80\0\0\0\0\0\0\0\0\0\0\0");
      expect(code).toBe("MESSAGE_TOO_BIG");
    });

    it("text that is not UTF-8 is noticed when its message ends, and not in a fragment before", async () => {
      const { code, received } = await errorFor(
        frame(1, "\xff") + frame(0x89, "still open") + frame(0x80, ""),
      );
      expect(received).toContain("\x8a\x0astill open");
      expect(code).toBe("INVALID_UTF8");
    });
  });
});
