import { randomBytes, randomInt } from "node:crypto";
import type { MessageShape } from "./loads.ts";

/** A payload of exactly `payloadBytes` that no two messages share. */
export function randomPayload({ payload, payloadBytes }: MessageShape): Buffer {
  switch (payload) {
    case "binary":
      return randomBytes(payloadBytes);
    case "ascii":
      return Buffer.from(randomBytes(payloadBytes).map((byte) => 32 + (byte % 95)));
    case "utf8":
      return utf8Payload(payloadBytes);
    case "json":
      return jsonPayload(payloadBytes);
  }
}

const WORDS = ["naïve café ", "Ünïcödé ", "日本語テキスト ", "emoji 😀 ", "plain "];

/** Words of several scripts; what is left at the end is filled up with dots. */
function utf8Payload(byteLength: number): Buffer {
  const filled = Buffer.alloc(byteLength, ".");
  let at = 0;
  for (let word = randomInt(WORDS.length); ; word = (word + 1) % WORDS.length) {
    const byteCount = Buffer.byteLength(WORDS[word]);
    if (at + byteCount > byteLength) return filled;
    at += filled.write(WORDS[word], at);
  }
}

/** A list of records, as an API would send it; what is left at the end is filled up with spaces. */
function jsonPayload(byteLength: number): Buffer {
  const items = [];
  let text = "";
  for (;;) {
    items.push({
      id: randomInt(65_536),
      name: `user-${randomInt(5000)}`,
      price: randomInt(100_000) / 100,
      active: randomInt(2) === 1,
    });
    const longer = JSON.stringify({ type: "update", seq: 100_000 + items.length, items });
    if (longer.length > byteLength) return Buffer.from(text.padEnd(byteLength));
    text = longer;
  }
}
