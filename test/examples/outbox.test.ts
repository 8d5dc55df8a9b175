import { describe, expect, it } from "vitest";
import { Outbox } from "../../examples/chat/src/page/outbox.ts";

function outboxOf(...ids: string[]): Outbox {
  const outbox = new Outbox();
  for (const messageId of ids) outbox.add({ messageId, text: messageId, date: 0 });
  return outbox;
}

/** The messages that would be sent now, in order. */
function sendAll(outbox: Outbox): string[] {
  const sent: string[] = [];
  for (let next = outbox.next(); next !== undefined; next = outbox.next()) {
    sent.push(next.messageId);
    outbox.advance();
  }
  return sent;
}

describe("Outbox", () => {
  it("returns each message once, in order", () => {
    const outbox = outboxOf("a", "b");
    expect(sendAll(outbox)).toEqual(["a", "b"]);
    outbox.add({ messageId: "c", text: "c", date: 0 });
    expect(sendAll(outbox)).toEqual(["c"]);
    expect(sendAll(outbox)).toEqual([]);
  });

  it("returns unsettled messages again after a rewind", () => {
    const outbox = outboxOf("a", "b", "c");
    sendAll(outbox);
    expect(outbox.settle("b")).toBe(true);
    outbox.rewind();
    expect(sendAll(outbox)).toEqual(["a", "c"]);
  });

  it("does not skip a message when an earlier one is settled", () => {
    const outbox = outboxOf("a", "b", "c");
    outbox.advance();
    outbox.settle("a");
    expect(sendAll(outbox)).toEqual(["b", "c"]);
  });

  it("does not send a message that is settled before it is sent on this connection", () => {
    const outbox = outboxOf("a", "b", "c");
    outbox.advance();
    outbox.settle("b");
    expect(sendAll(outbox)).toEqual(["c"]);
  });

  it("recognises its own messages", () => {
    const outbox = outboxOf("a");
    expect(outbox.has("a")).toBe(true);
    expect(outbox.settle("x")).toBe(false);
    expect(outbox.settle("a")).toBe(true);
    expect(outbox.settle("a")).toBe(false);
    expect(outbox.has("a")).toBe(false);
  });

  it("is full at a hundred messages", () => {
    const outbox = outboxOf(...Array.from({ length: 99 }, (_, index) => `m${index}`));
    expect(outbox.isFull).toBe(false);
    outbox.add({ messageId: "m99", text: "", date: 0 });
    expect(outbox.isFull).toBe(true);
  });
});
