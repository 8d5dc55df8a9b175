import { expect, it } from "vitest";
import { MessageBuffer } from "../../src/protocol/message-buffer.ts";
import { plainEnvironment } from "./support.ts";

/** A message of a fragment of 100 bytes and a shorter one, for which the buffer has grown to 200 bytes. */
function messageOf(byteLength: number): MessageBuffer {
  const message = new MessageBuffer(plainEnvironment);
  message.append(new Uint8Array(100), 0, 100, 100, false);
  message.append(new Uint8Array(100), 0, byteLength - 100, byteLength, false);
  expect(message.capacity).toBe(200);
  return message;
}

it.each([
  [101, 101],
  [133, 133],
  // Up to half of the message's length may be unused, which saves a copy.
  [134, 200],
  [200, 200],
])("returns a message of %i bytes in a buffer of %i bytes", (byteLength, bufferBytes) => {
  const bytes = messageOf(byteLength).release();
  expect([bytes.length, bytes.buffer.byteLength]).toEqual([byteLength, bufferBytes]);
});

it.each([101, 134, 200])("returns a message of %i bytes alone in its buffer", (byteLength) => {
  const bytes = messageOf(byteLength).release(true);
  expect([bytes.length, bytes.buffer.byteLength]).toEqual([byteLength, byteLength]);
});
