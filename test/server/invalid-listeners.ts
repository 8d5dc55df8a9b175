import { expect, it } from "vitest";

interface Listening {
  listen(onMessage: () => void, options?: never): unknown;
}

/** Defines tests of the arguments that `listen` of a socket refuses. */
export function testInvalidListeners(open: () => Listening): void {
  const refuses = (listener: () => void, options: unknown, message: unknown): void => {
    const socket = open();
    expect(() => socket.listen(listener, options as never)).toThrow(
      expect.objectContaining({ name: "UsageError", code: "INVALID_LISTENER", message }),
    );
    expect(() => socket.listen(() => {})).not.toThrow();
  };

  it.each(["onDone", "onError"])("refuses %s that is not a function", (name) => {
    const message = `listen: ${name} must be a function, not a value of type number`;
    refuses(() => {}, { [name]: 5 }, message);
  });

  it.each([
    [null, "null"],
    [5, "a value of type number"],
  ])("refuses %o as options", (options, text) => {
    refuses(() => {}, options, `listen: the options must be an object, not ${text}`);
  });

  it("throws on a missing listener and still accepts another listener", () => {
    refuses(undefined as never, undefined, expect.any(String));
  });
}
