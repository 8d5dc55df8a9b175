/** Frames that no peer may send, from either side. */
import type { Socket } from "tideway/server";

type Sender = "client" | "server";

/** One frame in hex, with a masking key of zeros if a client sends it. */
function frame(sender: Sender, first: string, length: string, payload = ""): string {
  const second = Number.parseInt(length.slice(0, 2), 16) | (sender === "client" ? 0x80 : 0);
  return first + second.toString(16).padStart(2, "0") + length.slice(2) + mask(sender) + payload;
}

function mask(sender: Sender): string {
  return sender === "client" ? "00000000" : "";
}

/** The error, the close code for it, and the frames. The limit is 1000 bytes. */
export const HOSTILE_FRAMES: ReadonlyArray<
  readonly [what: string, code: number, frames: (sender: Sender) => string]
> = [
  [
    "a frame with the masking of the other side",
    1002,
    (sender) => frame(other(sender), "81", "01", "61"),
  ],
  ["a reserved bit", 1002, (sender) => frame(sender, "a1", "00")],
  ["a reserved opcode", 1002, (sender) => frame(sender, "83", "00")],
  ["a fragmented ping", 1002, (sender) => frame(sender, "09", "00")],
  ["a ping of 126 bytes", 1002, (sender) => frame(sender, "89", "7e007e", "00".repeat(126))],
  ["a continuation without a message", 1002, (sender) => frame(sender, "80", "00")],
  [
    "a message within another",
    1002,
    (sender) => frame(sender, "01", "01", "61") + frame(sender, "81", "01", "61"),
  ],
  [
    "a length that is not in its shortest form",
    1002,
    (sender) => frame(sender, "82", "7e0001", "00"),
  ],
  [
    "a 64-bit length with its top bit set",
    1002,
    (sender) => frame(sender, "82", "7f8000000000000000"),
  ],
  ["a length with all bits set", 1002, (sender) => frame(sender, "82", "7fffffffffffffffff")],
  ["a length above 2^53", 1009, (sender) => frame(sender, "82", "7f0020000000000001")],
  ["a length just above the limit", 1009, (sender) => frame(sender, "82", "7e03e9")],
  [
    "fragments that exceed the limit together, with pings between them",
    1009,
    (sender) =>
      frame(sender, "02", "7e01f4", "00".repeat(500)) +
      frame(sender, "89", "00") +
      frame(sender, "00", "7e01f4", "00".repeat(500)) +
      frame(sender, "8a", "00") +
      frame(sender, "00", "01", "00"),
  ],
  [
    "more fragments of one byte than the limit has bytes",
    1009,
    (sender) => frame(sender, "02", "01", "00") + frame(sender, "00", "01", "00").repeat(1000),
  ],
  [
    "more than 1,024 empty fragments in a row",
    1008,
    (sender) => frame(sender, "02", "00") + frame(sender, "00", "00").repeat(1_024),
  ],
  ["text that is not UTF-8", 1007, (sender) => frame(sender, "81", "02", "c328")],
  [
    "text that becomes invalid UTF-8 after a ping",
    1007,
    (sender) =>
      frame(sender, "01", "01", "c3") + frame(sender, "89", "00") + frame(sender, "80", "01", "28"),
  ],
  ["a surrogate in text", 1007, (sender) => frame(sender, "81", "03", "eda080")],
  ["a Close frame of one byte", 1002, (sender) => frame(sender, "88", "01", "03")],
  ["the close code 1006", 1002, (sender) => frame(sender, "88", "02", "03ee")],
  ["a close reason that is not UTF-8", 1007, (sender) => frame(sender, "88", "04", "03e8c328")],
];

function other(sender: Sender): Sender {
  return sender === "client" ? "server" : "client";
}

/** A handler that echoes every message and ignores a lost connection. */
export async function acceptAndEcho(socket: Socket): Promise<void> {
  try {
    for await (const message of socket) socket.send(message);
  } catch {
    // The tests check the end from the other side.
  }
}
