import { describe, expect, it } from "vitest";
import { NatsPresence } from "../../../src/topics/nats/nats-presence.ts";
import type { NatsStream, StoredText } from "../../../src/topics/nats/nats-stream.ts";
import { collectGarbage } from "../../support/collect-garbage.ts";

/** Presence with a manual clock, and the first character of each message that it has stored. */
function open() {
  const [clock, kinds] = [{ nowMs: 0 }, [] as string[]];
  const stream: Pick<NatsStream, "publish"> = {
    publish: async (_subject, text) => {
      kinds.push(text[0]);
      return { seq: kinds.length, duplicate: false };
    },
  };
  return { clock, kinds, presence: new NatsPresence(stream as NatsStream, () => clock.nowMs) };
}

const entry = (key: string, sequence: number, text: string): StoredText => ({
  subject: `room.${key}`,
  text,
  sequence,
});

describe("NatsPresence", () => {
  it("waits for the last entry in a cluster", async () => {
    const messages = [entry("a", 1, "+1000 ann"), entry("b", 2, "+1000 bob")];
    let last: number | null = 2;
    const stream: Pick<NatsStream, "isReplicated" | "lastMessage" | "read"> = {
      isReplicated: true,
      lastMessage: async (subject) => {
        expect(subject).toBe("room.*");
        return last === null ? null : { seq: last, data: new Uint8Array(), time: new Date() };
      },
      read: async (_query, isLast) => {
        expect(messages.map((message) => isLast?.(message))).toEqual([false, true]);
        return messages;
      },
    };
    const presence = new NatsPresence(stream as NatsStream, () => 0);
    const [ann, bob] = [
      { key: "a", value: "ann" },
      { key: "b", value: "bob" },
    ];
    expect(await presence.members("room")).toEqual([ann, bob]);
    last = null;
    expect(await presence.members("room")).toEqual([]);
  });

  it("uses the last message of an entry that changes during the read", async () => {
    const stream: Pick<NatsStream, "isReplicated" | "read"> = {
      isReplicated: false,
      read: async () => [
        entry("a", 1, "+1000 ann"),
        entry("b", 2, "+1000 bob"),
        entry("a", 3, "+1000 eve"),
        entry("b", 4, "-"),
      ],
    };
    const presence = new NatsPresence(stream as NatsStream, () => 0);
    expect(await presence.members("room")).toEqual([{ key: "a", value: "eve" }]);
  });

  it("marks an entry as a renewal until it expires, unless its value has changed", async () => {
    const { clock, kinds, presence } = open();
    for (const [nowMs, value] of [
      [0, "a"],
      [999, "a"],
      [1_998, "b"],
      [2_997, "b"],
      [3_997, "b"],
    ] as const) {
      clock.nowMs = nowMs;
      await presence.enter("room.k", value, 1_000);
    }
    expect(kinds).toEqual(["+", "=", "+", "=", "+"]);
  });

  it("keeps entries that are renewed when others expire", async () => {
    const { clock, kinds, presence } = open();
    await presence.enter("room.renewed", "a", 1_000);
    await presence.enter("room.expired", "a", 1_000);
    clock.nowMs = 999;
    await presence.enter("room.renewed", "a", 1_000);
    clock.nowMs = 1_500;
    for (const key of ["other", "renewed", "expired"]) {
      await presence.enter(`room.${key}`, "a", 1_000);
    }
    expect(kinds).toEqual(["+", "+", "=", "+", "=", "+"]);
  });

  it("frees the memory of entries that expire without a leave", async () => {
    const { clock, presence } = open();
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    for (let index = 0; index < 4_000; index++) {
      const value = Buffer.alloc(8_192, `${index} `).toString("latin1");
      await presence.enter(`room.${index}`, value, 1_000);
    }
    clock.nowMs = 1_000;
    await presence.enter("room.last", "a", 1_000);
    collectGarbage();
    // Of the 32 MiB that the entries had.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(16 * 2 ** 20);
  });
});
