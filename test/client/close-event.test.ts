import { describe, expect, it } from "vitest";
import { defineCloseEvent } from "../../src/client/close-event.ts";

describe("the CloseEvent for runtimes without a built-in one", () => {
  const CloseEvent = defineCloseEvent();

  it("has the defaults of the standard", () => {
    const event = new CloseEvent("close");
    expect(event).toBeInstanceOf(Event);
    expect(event).toMatchObject({ type: "close", wasClean: false, code: 0, reason: "" });
    expect(event).toMatchObject({ bubbles: false, cancelable: false });
    expect(Object.prototype.toString.call(event)).toBe("[object CloseEvent]");
    expect(CloseEvent.length).toBe(1);
    expect(CloseEvent.name).toBe("CloseEvent");
  });

  it("throws a TypeError without a type", () => {
    expect(() => Reflect.construct(CloseEvent, [])).toThrow(TypeError);
  });

  it("converts its dictionary as Web IDL does", () => {
    const init = { wasClean: 1, code: 65_536 + 7.9, reason: "\u{D800}", cancelable: true };
    const event = new CloseEvent("close", init as never);
    expect(event).toMatchObject({ wasClean: true, code: 7, reason: "\u{FFFD}", cancelable: true });
    expect(new CloseEvent("close", { reason: undefined as never }).reason).toBe("");
    expect(new CloseEvent("close", { reason: null as never }).reason).toBe("null");
    expect(new CloseEvent("close", null as never).code).toBe(0);
  });

  it("has enumerable, read-only attributes on its prototype", () => {
    for (const name of ["wasClean", "code", "reason"]) {
      expect(Object.getOwnPropertyDescriptor(CloseEvent.prototype, name)).toMatchObject({
        enumerable: true,
        configurable: true,
        set: undefined,
      });
      expect(() => Reflect.get(CloseEvent.prototype, name)).toThrow(TypeError);
    }
  });

  it("can be created again from an event", () => {
    const event = new CloseEvent("close", { code: 3000, reason: "r", wasClean: true });
    expect(new CloseEvent("close", event)).toMatchObject({
      code: 3000,
      reason: "r",
      wasClean: true,
    });
  });
});
