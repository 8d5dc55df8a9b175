import { describe, expect, it } from "vitest";
import { readClientMessage } from "../../examples/chat/src/read-message.ts";

describe("readClientMessage", () => {
  it("reads the messages of the plain client, and ignores id and date", () => {
    const username = { type: "username", name: "Ana", id: 3, date: 1 };
    expect(readClientMessage(JSON.stringify(username))).toEqual({
      kind: "message",
      message: { type: "username", name: "Ana" },
    });
    const message = { type: "message", text: "Hello", id: 3, date: 1 };
    expect(readClientMessage(JSON.stringify(message))).toEqual({
      kind: "message",
      message: { type: "message", text: "Hello" },
    });
  });

  it("reads a username without a name as an empty name", () => {
    expect(readClientMessage('{"type":"username"}')).toEqual({
      kind: "message",
      message: { type: "username", name: "" },
    });
  });

  it("reads the fields of the extended protocol if they are valid", () => {
    expect(readClientMessage('{"type":"username","name":"Ana","session":"s"}')).toEqual({
      kind: "message",
      message: { type: "username", name: "Ana", session: "s" },
    });
    expect(readClientMessage('{"type":"message","text":"x","messageId":"m"}')).toEqual({
      kind: "message",
      message: { type: "message", text: "x", messageId: "m" },
    });
    for (const messageId of [7, null, "", "m".repeat(65), {}, ["m"]]) {
      expect(readClientMessage(JSON.stringify({ type: "message", text: "x", messageId }))).toEqual({
        kind: "message",
        message: { type: "message", text: "x" },
      });
    }
  });

  it.each([
    '{"type":"message"}',
    '{"type":"message","text":""}',
    '{"type":"message","text":" \\n\\t"}',
    '{"type":"dance"}',
    '{"type":"userlist","users":["Eve"]}',
    '{"type":"id","id":1}',
    '{"type":"constructor"}',
    '{"type":"__proto__"}',
  ])("ignores %s", (frame) => {
    expect(readClientMessage(frame)).toEqual({ kind: "ignore" });
  });

  it.each([
    "",
    "hello",
    "null",
    "true",
    "12",
    '"message"',
    "[]",
    '[{"type":"message"}]',
    "{",
    '{"text":"no type"}',
    '{"type":null}',
    '{"type":["message"]}',
    '{"__proto__":{"type":"message","text":"x"}}',
    '{"type":"message","text":null}',
    '{"type":"message","text":{"toString":"x"}}',
    '{"type":"message","text":["x"]}',
    '{"type":"username","name":42}',
    '{"type":"username","name":{"length":1}}',
    "[".repeat(30_000),
    '{"a":'.repeat(10_000),
  ])("refuses %.60s with 1007", (frame) => {
    expect(readClientMessage(frame)).toMatchObject({ kind: "refuse", refusal: { code: 1007 } });
  });

  it("refuses a binary frame with 1003", () => {
    expect(readClientMessage(new TextEncoder().encode('{"type":"username"}'))).toMatchObject({
      kind: "refuse",
      refusal: { code: 1003 },
    });
  });

  it("refuses a text of more than 8000 characters with 1009, and accepts 8000", () => {
    const frame = (length: number) => JSON.stringify({ type: "message", text: "x".repeat(length) });
    expect(readClientMessage(frame(8_000))).toMatchObject({ kind: "message" });
    expect(readClientMessage(frame(8_001))).toEqual({
      kind: "refuse",
      refusal: { code: 1009, reason: "text of 8001 characters exceeds 8000" },
    });
  });

  it("returns only known fields, and pollutes no prototype", () => {
    const frame =
      '{"type":"message","text":"x","name":"Eve","__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}';
    const outcome = readClientMessage(frame);
    expect(outcome).toEqual({ kind: "message", message: { type: "message", text: "x" } });
    expect({}).not.toHaveProperty("admin");
  });
});
