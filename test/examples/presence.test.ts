import { describe, expect, it } from "vitest";
import { Presence, type PresenceChange } from "../../examples/chat/src/page/presence.ts";

function setUp() {
  const changes: PresenceChange[] = [];
  const timers: { readonly delayMs: number; readonly callback: () => void }[] = [];
  const presence = new Presence(
    (delayMs, callback) => timers.push({ delayMs, callback }),
    (change) => changes.push(change),
  );
  /** Runs all timers. Returns the longest delay. */
  const settle = (): number => {
    const due = timers.splice(0);
    for (const { callback } of due) callback();
    return Math.max(...due.map(({ delayMs }) => delayMs));
  };
  return { presence, changes, settle };
}

describe("Presence", () => {
  it("treats the first list as known", () => {
    const { presence, changes, settle } = setUp();
    presence.update(["Ana", "Bo"]);
    settle();
    expect(changes).toEqual([]);
  });

  it("reports joins and leaves", () => {
    const { presence, changes, settle } = setUp();
    presence.update(["Ana", "Bo"]);
    settle();
    presence.update(["Ana", "Cy"]);
    settle();
    expect(changes).toEqual([{ came: ["Cy"], left: ["Bo"] }]);
  });

  it("does not report a user who was away for a moment", () => {
    const { presence, changes, settle } = setUp();
    presence.update(["Ana", "Bo"]);
    settle();
    presence.update(["Ana"]);
    presence.update(["Ana", "Bo"]);
    settle();
    expect(changes).toEqual([]);
  });

  it("does not report a new name as a new user", () => {
    const { presence, changes, settle } = setUp();
    presence.update(["Ana", "Bo"]);
    settle();
    presence.renamed("Bo", "Bob");
    presence.update(["Ana", "Bob"]);
    settle();
    expect(changes).toEqual([]);
  });

  it("reports a new user at once, and only once, when the user sends a message", () => {
    const { presence, changes, settle } = setUp();
    presence.update(["Ana"]);
    settle();
    presence.update(["Ana", "Bo"]);
    presence.messageFrom("Ana");
    presence.messageFrom("Bo");
    presence.messageFrom("somebody who is not here");
    expect(changes).toEqual([{ came: ["Bo"], left: [] }]);
    settle();
    expect(changes).toHaveLength(1);
  });

  it("waits longer after a reconnect, while other users reconnect too", () => {
    const { presence, changes, settle } = setUp();
    presence.update(["Ana", "Bo", "Cy"]);
    const usually = settle();
    presence.returned();
    presence.update(["Ana"]);
    presence.update(["Ana", "Bo"]);
    expect(settle()).toBeGreaterThan(usually);
    expect(changes).toEqual([{ came: [], left: ["Cy"] }]);
    presence.update(["Ana", "Bo", "Cy"]);
    expect(settle()).toBe(usually);
  });
});
