import { randomBytes, randomInt } from "node:crypto";
import type { MessageShape } from "./loads.ts";

/** Creates a random payload of exactly `payloadBytes`. */
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

/** Words in several scripts, padded with dots. */
function utf8Payload(byteLength: number): Buffer {
  const filled = Buffer.alloc(byteLength, ".");
  let at = 0;
  for (let word = randomInt(WORDS.length); ; word = (word + 1) % WORDS.length) {
    const byteCount = Buffer.byteLength(WORDS[word]);
    if (at + byteCount > byteLength) return filled;
    at += filled.write(WORDS[word], at);
  }
}

/** A list of objects, as in a typical JSON response, padded with spaces. */
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
