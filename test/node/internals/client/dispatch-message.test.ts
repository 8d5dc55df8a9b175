/** Message events that this package creates and dispatches, compared with the events of Node. */
import { once } from "node:events";
import { inspect } from "node:util";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  type DispatchMessage,
  dispatchPlainly,
} from "../../../../src/node/client/dispatch-message.ts";
import {
  dispatchLightly,
  lightDispatch,
} from "../../../../src/node/internals/client/dispatch-message.ts";
import { findEventInternals } from "../../../../src/node/internals/client/event-internals.ts";
import { FakeNetwork } from "../../../client/fake-connector.ts";
import { uncaughtErrorsOf } from "../../../support/uncaught-errors.ts";

const ORIGIN = "ws://host";

let dispatchMessage: DispatchMessage = dispatchLightly;

afterEach(() => {
  dispatchMessage = dispatchLightly;
  vi.unstubAllGlobals();
});

/** An internal object of Node, to be changed. */
type Shape = Record<string, unknown>;

/** The event that a listener receives, and what `look` returns during the dispatch. */
function dispatched<T>(look: (event: MessageEvent, target: EventTarget) => T): {
  readonly event: MessageEvent;
  readonly target: EventTarget;
  readonly observed: T;
} {
  const target = new EventTarget();
  const events: MessageEvent[] = [];
  const observed: T[] = [];
  target.addEventListener("message", (event) => {
    events.push(event as MessageEvent);
    observed.push(look(event as MessageEvent, target));
  });
  dispatchMessage(target, "data", ORIGIN);
  expect(events).toHaveLength(1);
  return { event: events[0], target, observed: observed[0] };
}

describe.each([
  ["with fast paths", true],
  ["without fast paths", false],
])("a message event, %s,", (_, isLight) => {
  const start = (): void => void (dispatchMessage = isLight ? dispatchLightly : dispatchPlainly);

  it("is a MessageEvent with its attributes (HTML, The MessageEvent interface)", () => {
    start();
    const { event } = dispatched(() => {});
    expect(event).toBeInstanceOf(MessageEvent);
    expect(event).toBeInstanceOf(Event);
    expect(event.constructor).toBe(MessageEvent);
    expect(event).toMatchObject({
      type: "message",
      data: "data",
      origin: ORIGIN,
      lastEventId: "",
      source: null,
      ports: [],
      bubbles: false,
      cancelable: false,
      composed: false,
      defaultPrevented: false,
      returnValue: true,
      cancelBubble: false,
      isTrusted: false,
    });
    expect(Object.keys(event)).toEqual([]);
    expect(JSON.stringify(event)).toBe("{}");
  });

  it("has enumerable, read-only attributes (Web IDL)", () => {
    start();
    const { event } = dispatched(() => {});
    const names: string[] = [];
    for (const name in event) names.push(name);
    const own = ["data", "origin", "lastEventId", "source", "ports"];
    const inherited = ["type", "target", "currentTarget", "timeStamp", "stopPropagation"];
    expect(names).toEqual(expect.arrayContaining([...own, ...inherited]));
    expect(new Set(names).size).toBe(names.length);
    for (const name of own) {
      expect(() => Reflect.set(event, name, "other")).not.toThrow();
      expect(() => Object.assign(event, { [name]: "other" })).toThrow(TypeError);
    }
    expect(event).toMatchObject({ data: "data", origin: ORIGIN, lastEventId: "" });
  });

  it("shows its target and phase during the dispatch, and no phase afterwards (DOM 2.2)", () => {
    start();
    const { event, target, observed } = dispatched((during) => ({
      target: during.target,
      currentTarget: during.currentTarget,
      srcElement: during.srcElement,
      eventPhase: during.eventPhase,
      path: during.composedPath(),
    }));
    expect(observed.target).toBe(target);
    expect(observed.currentTarget).toBe(target);
    expect(observed.srcElement).toBe(target);
    expect(observed.eventPhase).toBe(Event.AT_TARGET);
    expect(observed.path).toEqual([target]);
    expect(event.target).toBe(target);
    expect(event.currentTarget).toBe(null);
    expect(event.eventPhase).toBe(Event.NONE);
    expect(event.composedPath()).toEqual([]);
  });

  it("has the time of its creation", () => {
    start();
    const before = performance.now();
    const { event } = dispatched(() => {});
    expect(event.timeStamp).toBeGreaterThanOrEqual(before);
    expect(event.timeStamp).toBeLessThanOrEqual(performance.now());
  });

  it("has a later time than events of an earlier task", async () => {
    start();
    const first = dispatched(() => {}).event;
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    expect(dispatched(() => {}).event.timeStamp).toBeGreaterThan(first.timeStamp);
  });

  it("cannot be prevented, as it is not cancelable (DOM 2.2)", () => {
    start();
    const { event } = dispatched((during) => during.preventDefault());
    expect(event.defaultPrevented).toBe(false);
    expect(event.returnValue).toBe(true);
  });

  it("remembers that its propagation was stopped", () => {
    start();
    expect(dispatched((during) => during.stopPropagation()).event.cancelBubble).toBe(true);
    expect(dispatched((during) => (during.cancelBubble = true)).event.cancelBubble).toBe(true);
    expect(dispatched((during) => (during.cancelBubble = false)).event.cancelBubble).toBe(false);
  });

  it("can be initialised again, but not while it is dispatched (DOM, initEvent)", () => {
    start();
    const { event } = dispatched((during) => during.initEvent("other", true, true));
    expect(event).toMatchObject({ type: "message", bubbles: false, cancelable: false });
    event.initEvent("other", true, true);
    expect(event).toMatchObject({ type: "other", bubbles: true, cancelable: true });
    event.preventDefault();
    expect(event).toMatchObject({ defaultPrevented: true, returnValue: false });
    expect(event.data).toBe("data");
  });

  it("can be dispatched again on any event target", () => {
    start();
    const { event, target } = dispatched(() => {});
    const other = new EventTarget();
    const observed: unknown[] = [];
    other.addEventListener("message", (again) =>
      observed.push(again, again.target, again.eventPhase),
    );
    expect(other.dispatchEvent(event)).toBe(true);
    expect(observed).toEqual([event, other, Event.AT_TARGET]);
    expect(event.target).toBe(other);
    const more: unknown[] = [];
    target.addEventListener("message", (again) => more.push(again.target));
    target.dispatchEvent(event);
    expect(more).toEqual([target]);
  });

  it("cannot be dispatched while it is dispatched (DOM, dispatchEvent)", () => {
    start();
    const { observed } = dispatched((during) => {
      try {
        return new EventTarget().dispatchEvent(during);
      } catch (error) {
        return error;
      }
    });
    expect(observed).toMatchObject({ code: "ERR_EVENT_RECURSION" });
  });

  it("can serve as the init dictionary of another event", () => {
    start();
    const { event } = dispatched(() => {});
    const copy = new MessageEvent("copy", event as unknown as MessageEventInit);
    expect(copy).toMatchObject({ type: "copy", data: "data", origin: ORIGIN, source: null });
  });

  it("has getters and methods that throw a TypeError for any other object (Web IDL)", () => {
    start();
    const { event } = dispatched(() => {});
    const prototype = Object.getPrototypeOf(event) as object;
    const names = Reflect.ownKeys(prototype).filter((name) => typeof name === "string");
    expect(names.length).toBeGreaterThan(4);
    for (const name of names) {
      if (name === "constructor") continue;
      const property = Object.getOwnPropertyDescriptor(prototype, name)!;
      const other = Object.defineProperty({}, name, property) as Record<string, () => unknown>;
      expect(() => (property.get ? other[name] : other[name]())).toThrow(TypeError);
    }
  });

  it("calls listeners in order, with onmessage at the position where it was first set", () => {
    start();
    const { socket, connection } = new FakeNetwork(dispatchMessage).open();
    const calls: unknown[] = [];
    const call = (name: string) => (event: Event) => void calls.push(name, event.target === socket);
    socket.addEventListener("message", call("first"));
    socket.onmessage = () => expect.unreachable();
    socket.addEventListener("message", { handleEvent: call("object") });
    socket.onmessage = call("handler");
    connection.text("a");
    expect(calls).toEqual(["first", true, "handler", true, "object", true]);
  });

  it("calls a listener and a handler with the target as this", () => {
    start();
    const { socket, connection } = new FakeNetwork(dispatchMessage).open();
    const calls: unknown[] = [];
    const listener = function (this: unknown): void {
      calls.push(this);
    };
    socket.addEventListener("message", listener);
    connection.text("a");
    socket.removeEventListener("message", listener);
    socket.onmessage = listener;
    connection.text("b");
    expect(calls).toEqual([socket, socket]);
  });

  it("calls no listener if none exists or all were removed", () => {
    start();
    const listened = vi.fn<() => void>();
    const target = new EventTarget();
    dispatchMessage(target, 1, ORIGIN);
    target.addEventListener("message", listened);
    target.removeEventListener("message", listened);
    dispatchMessage(target, 1, ORIGIN);
    expect(listened).not.toHaveBeenCalled();
  });

  it("calls a listener with once only once, and none that was removed by its signal", () => {
    start();
    const target = new EventTarget();
    const controller = new AbortController();
    const calls: string[] = [];
    target.addEventListener("message", () => calls.push("once"), { once: true });
    target.addEventListener("message", () => calls.push("until"), { signal: controller.signal });
    target.addEventListener("message", () => calls.push("passive"), { passive: true });
    target.addEventListener("message", () => calls.push("capture"), true);
    dispatchMessage(target, 1, ORIGIN);
    expect(calls.splice(0)).toEqual(["once", "until", "passive", "capture"]);
    controller.abort();
    dispatchMessage(target, 2, ORIGIN);
    expect(calls).toEqual(["passive", "capture"]);
  });

  it("calls a single listener, even if it is once, passive, capturing or an object", () => {
    start();
    const calls: unknown[] = [];
    const listener = ({ data }: Event & { data?: unknown }): void => void calls.push(data);
    for (const options of [{ once: true }, { passive: true }, { capture: true }, undefined]) {
      for (const each of [listener, { handleEvent: listener }]) {
        const target = new EventTarget();
        target.addEventListener("message", each, options);
        dispatchMessage(target, 1, ORIGIN);
        dispatchMessage(target, 2, ORIGIN);
        expect(calls.splice(0)).toEqual(options?.once === true ? [1] : [1, 2]);
      }
    }
  });

  it("calls no further listener after stopImmediatePropagation", () => {
    start();
    const target = new EventTarget();
    const calls: string[] = [];
    target.addEventListener("message", (event) => {
      calls.push("first");
      event.stopImmediatePropagation();
      expect((event as MessageEvent).cancelBubble).toBe(true);
    });
    target.addEventListener("message", () => calls.push("second"));
    dispatchMessage(target, 1, ORIGIN);
    expect(calls).toEqual(["first"]);
  });

  it("calls a listener that was added during the dispatch only for the next event", () => {
    start();
    const target = new EventTarget();
    const calls: string[] = [];
    const late = (): void => void calls.push("late");
    target.addEventListener("message", () => {
      calls.push("early");
      target.addEventListener("message", late);
    });
    dispatchMessage(target, 1, ORIGIN);
    expect(calls.splice(0)).toEqual(["early"]);
    dispatchMessage(target, 2, ORIGIN);
    expect(calls).toEqual(["early", "late"]);
  });

  it("calls the other listeners when one throws, and reports the error", async () => {
    start();
    const target = new EventTarget();
    const calls: unknown[] = [];
    const uncaught = await uncaughtErrorsOf(() => {
      const fail = (): never => {
        throw new Error("listener");
      };
      target.addEventListener("message", fail);
      dispatchMessage(target, 1, ORIGIN);
      target.addEventListener("message", ({ eventPhase }) => calls.push(eventPhase));
      dispatchMessage(target, 2, ORIGIN);
      expect(calls).toHaveLength(1);
    });
    expect(uncaught).toMatchObject([{ message: "listener" }, { message: "listener" }]);
  });

  it("reports the rejection of an async listener and an error thrown by its `then`", async () => {
    start();
    const uncaught = await uncaughtErrorsOf(() => {
      const results = [
        Promise.reject(new Error("rejected")),
        {
          // oxlint-disable-next-line unicorn/no-thenable -- a listener can return anything
          get then(): never {
            throw new Error("thrown");
          },
        },
        Promise.resolve(),
        // oxlint-disable-next-line unicorn/no-thenable -- as above
        { then: "no function" },
        null,
        1,
      ];
      for (const result of results) {
        const target = new EventTarget();
        target.addEventListener("message", () => result as unknown as undefined);
        dispatchMessage(target, 1, ORIGIN);
      }
    });
    const messages = uncaught.map((error) => (error as Error).message);
    expect(messages.toSorted()).toEqual(["rejected", "thrown"]);
  });

  it("has no phase after the dispatch, even if a listener threw", async () => {
    start();
    const target = new EventTarget();
    const events: Event[] = [];
    const uncaught = await uncaughtErrorsOf(() => {
      target.addEventListener("message", (event) => {
        events.push(event);
        throw new Error("listener");
      });
      dispatchMessage(target, 1, ORIGIN);
      expect(events.map(({ eventPhase }) => eventPhase)).toEqual([Event.NONE]);
    });
    expect(events).toHaveLength(1);
    expect(uncaught).toMatchObject([{ message: "listener" }]);
  });

  it("resolves once of node:events", async () => {
    start();
    const target = new EventTarget();
    const event = once(target, "message");
    dispatchMessage(target, "data", ORIGIN);
    expect(await event).toMatchObject([{ data: "data" }]);
  });

  it("prints its attributes", () => {
    start();
    const { event } = dispatched(() => {});
    expect(inspect(event)).toMatch(/^MessageEvent \{\n? *type: 'message',/);
    expect(inspect(event, { depth: -1 })).toBe("MessageEvent");
  });
});

describe("a message event with fast paths", () => {
  it("is tagged as MessageEvent, and has ports that cannot be changed (Web IDL)", () => {
    const { event } = dispatched(() => {});
    expect(Object.prototype.toString.call(event)).toBe("[object MessageEvent]");
    expect(Object.isFrozen(event.ports)).toBe(true);
    expect(event.ports).toBe(event.ports);
    event.initEvent("other", false, true);
    event.returnValue = true;
    expect(event.defaultPrevented).toBe(false);
    event.returnValue = false;
    expect(event.defaultPrevented).toBe(true);
  });

  it("has the same time as other events of the same chunk", () => {
    const first = dispatched(() => {}).event;
    while (performance.now() === first.timeStamp);
    expect(dispatched(() => {}).event.timeStamp).toBe(first.timeStamp);
  });

  it("prints its data", () => {
    const { event } = dispatched(() => {});
    expect(inspect(event)).toContain("data: 'data'");
  });

  it("is the event that sockets fire", () => {
    const { socket, connection } = new FakeNetwork(dispatchMessage).open();
    const events: Event[] = [];
    socket.onmessage = (event) => events.push(event);
    connection.text("a");
    const prototype: unknown = Object.getPrototypeOf(events[0]);
    expect(prototype === Object.getPrototypeOf(dispatched(() => {}).event)).toBe(true);
    expect(prototype === MessageEvent.prototype).toBe(false);
  });

  it("is replaced by a MessageEvent of Node for a target that is not Node's EventTarget", () => {
    const dispatchEvent = vi.fn<(event: Event) => boolean>();
    dispatchMessage({ dispatchEvent } as unknown as EventTarget, "data", ORIGIN);
    const [event] = dispatchEvent.mock.calls[0];
    expect(event).toMatchObject({ type: "message", data: "data", origin: ORIGIN });
    expect(Object.getPrototypeOf(event) === MessageEvent.prototype).toBe(true);
  });
});

/** A class of event targets that keeps its listeners in another way, except during a dispatch. */
function targetWith(change: (list: Shape, listener: Shape) => void): typeof EventTarget {
  const { lists } = findEventInternals()!;
  return class extends EventTarget {
    #restore = (): void => {};

    override addEventListener(...args: Parameters<EventTarget["addEventListener"]>): void {
      super.addEventListener(...args);
      const kept = this as unknown as Record<symbol, Map<string, Shape>>;
      const list = kept[lists].get(args[0])!;
      const listener = list["next"] as Shape;
      const [listBefore, listenerBefore] = [{ ...list }, { ...listener }];
      this.#restore = () => {
        Object.assign(list, listBefore);
        Object.assign(listener, listenerBefore);
      };
      change(list, listener);
    }

    override dispatchEvent(event: Event): boolean {
      this.#restore();
      return super.dispatchEvent(event);
    }
  };
}

describe("the internals of Node's event targets", () => {
  it("are as expected in this version", () => {
    expect(findEventInternals()).toBeDefined();
    expect(lightDispatch(findEventInternals())).toBeDefined();
  });

  it.each<[string, (list: Shape, listener: Shape) => void]>([
    ["lists have another field", (list) => (list["more"] = 0)],
    ["lists lack a field", (list) => delete list["size"]],
    ["lists start elsewhere", (list) => (list["next"] = undefined)],
    ["listeners have another field", (_, listener) => (listener["more"] = 0)],
    ["listeners lack a field", (_, listener) => delete listener["previous"]],
    ["plain listeners have flags", (_, listener) => (listener["flags"] = 64)],
    ["callbacks are wrapped", (_, listener) => (listener["callback"] = () => {})],
  ])("are not used if %s", (_, change) => {
    vi.stubGlobal("EventTarget", targetWith(change));
    expect(findEventInternals()).toBeUndefined();
  });

  it("are used if lists and listeners are as expected", () => {
    vi.stubGlobal(
      "EventTarget",
      targetWith(() => {}),
    );
    expect(findEventInternals()).toBeDefined();
  });

  it("are not used if the fields of events cannot be found", () => {
    class Changed extends Event {
      constructor(type: string) {
        super(type);
        Object.assign(this, { [Symbol("type")]: type });
      }
    }
    vi.stubGlobal("Event", Changed);
    expect(findEventInternals()).toBeUndefined();
    expect(lightDispatch(undefined)).toBeUndefined();
  });
});
