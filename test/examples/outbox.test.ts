import { describe, expect, it } from "vitest";
import { Outbox } from "../../examples/chat/src/page/outbox.ts";

function outboxOf(...ids: string[]): Outbox {
  const outbox = new Outbox();
  for (const messageId of ids) outbox.add({ messageId, text: messageId, date: 0 });
  return outbox;
}

/** What would be sent now, in order. */
function sendAll(outbox: Outbox): string[] {
  const sent: string[] = [];
  for (let next = outbox.next(); next !== undefined; next = outbox.next()) {
    sent.push(next.messageId);
    outbox.advance();
  }
  return sent;
}

describe("Outbox", () => {
  it("hands out each message once, in order", () => {
    const outbox = outboxOf("a", "b");
    expect(sendAll(outbox)).toEqual(["a", "b"]);
    outbox.add({ messageId: "c", text: "c", date: 0 });
    expect(sendAll(outbox)).toEqual(["c"]);
    expect(sendAll(outbox)).toEqual([]);
  });

  it("hands out again, after a rewind, what was not settled", () => {
    const outbox = outboxOf("a", "b", "c");
    sendAll(outbox);
    expect(outbox.settle("b")).toBe(true);
    outbox.rewind();
    expect(sendAll(outbox)).toEqual(["a", "c"]);
  });

  it("does not skip a message when one before it is settled", () => {
    const outbox = outboxOf("a", "b", "c");
    outbox.advance();
    outbox.settle("a");
    expect(sendAll(outbox)).toEqual(["b", "c"]);
  });

  it("does not send what was settled before it was sent on this connection", () => {
    const outbox = outboxOf("a", "b", "c");
    outbox.advance();
    outbox.settle("b");
    expect(sendAll(outbox)).toEqual(["c"]);
  });

  it("says which messages are its own", () => {
    const outbox = outboxOf("a");
    expect(outbox.has("a")).toBe(true);
    expect(outbox.settle("x")).toBe(false);
    expect(outbox.settle("a")).toBe(true);
    expect(outbox.settle("a")).toBe(false);
    expect(outbox.has("a")).toBe(false);
  });

  it("is full with a hundred messages", () => {
    const outbox = outboxOf(...Array.from({ length: 99 }, (_, index) => `m${index}`));
    expect(outbox.isFull).toBe(false);
    outbox.add({ messageId: "m99", text: "", date: 0 });
    expect(outbox.isFull).toBe(true);
  });
});
