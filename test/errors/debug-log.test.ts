import { describe, expect, it } from "vitest";
import {
  createDebugLog,
  describeError,
  describeSubprotocol,
  enablesDebugLog,
  NO_DEBUG_LOG,
} from "../../src/errors/debug-log.ts";
import { HandshakeError, TransportError, UsageError } from "../../src/errors/index.ts";

function recorder(): { lines: string[]; log: ReturnType<typeof createDebugLog> } {
  const lines: string[] = [];
  return { lines, log: createDebugLog((line) => void lines.push(line)) };
}

describe("a debug log", () => {
  it("numbers the objects of each kind from 1", () => {
    const { log } = recorder();
    const [one, two] = [{}, {}];
    expect(log.idOf("connection", one)).toBe(1);
    expect(log.idOf("connection", two)).toBe(2);
    expect(log.idOf("connection", one)).toBe(1);
    expect(log.idOf("server", {})).toBe(1);
  });

  it("escapes characters that forge a line, control a terminal or reorder text", () => {
    const { lines, log } = recorder();
    log.write(() => 'a\nb\r\u001b[31m\u0085\u2028\u202e\u200f"é\\');
    expect(lines).toEqual([
      String.raw`a\u{a}b\u{d}\u{1b}[31m\u{85}\u{2028}\u{202e}\u{200f}"é` + "\\",
    ]);
  });

  it.each(["a", "\n"])("shortens a line of %j to 4,096 characters", (char) => {
    const { lines, log } = recorder();
    log.write(() => char.repeat(1_000_000));
    expect(lines[0]).toHaveLength(4096);
    expect(lines[0]).toMatch(/\.\.\.$/);
  });

  it("does not throw when a line cannot be created or printed", () => {
    const { lines, log } = recorder();
    log.write(() => {
      throw new Error("from a getter");
    });
    expect(lines).toEqual([]);
    const closed = createDebugLog(() => {
      throw new Error("EPIPE");
    });
    closed.write(() => "lost");
  });

  it("does not call the function for a line when it is off", () => {
    NO_DEBUG_LOG.write(() => expect.fail());
    expect(NO_DEBUG_LOG.isEnabled).toBe(false);
  });
});

describe("describeError", () => {
  it("gives code, message and causes of an error of this package", () => {
    const cause = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
    expect(describeError(new TransportError("TRANSPORT_FAILED", "it failed", { cause }))).toBe(
      "TRANSPORT_FAILED: it failed (cause: Error ECONNRESET)",
    );
  });

  it("leaves out messages that quote values of the caller or subprotocols", () => {
    expect(describeError(new UsageError("INVALID_URL", "secret"))).toBe("INVALID_URL");
    expect(describeError(new HandshakeError("MISSING_SUBPROTOCOL", "secret"))).toBe(
      "MISSING_SUBPROTOCOL",
    );
  });

  it("leaves out messages that may repeat the message of other code", () => {
    const cause = new Error("socks5://user:secret@proxy");
    expect(describeError(new TransportError("CONNECT_FAILED", cause.message, { cause }))).toBe(
      "CONNECT_FAILED (cause: Error)",
    );
    const thrown = new TransportError("CONNECT_FAILED", "secret", { cause: "secret" });
    expect(describeError(thrown)).toBe("CONNECT_FAILED (cause: a thrown value of type string)");
  });

  it("leaves out the messages of other errors, and other thrown values", () => {
    expect(describeError(new TypeError("secret"))).toBe("TypeError");
    expect(describeError(new TypeError("secret", { cause: "secret" }))).toBe(
      "TypeError (cause: a thrown value of type string)",
    );
    expect(describeError({ secret: 1 })).toBe("a thrown value of type object");
  });

  it("describes at most three causes, even of an error that is its own cause", () => {
    const error = new Error("secret");
    error.cause = error;
    expect(describeError(error)).toBe("Error (cause: Error (cause: Error (cause: Error)))");
  });
});

describe("describeSubprotocol", () => {
  it("gives the position in the offer, because the name may be an access token", () => {
    expect(describeSubprotocol("token.secret", ["json", "token.secret"])).toBe("2 of 2 offered");
    expect(describeSubprotocol("", ["json"])).toBe("none");
  });
});

it.each([
  ["tideway", true],
  ["http, TIDEWAY", true],
  ["*", true],
  ["tideways,http", false],
  ["", false],
  [undefined, false],
])("NODE_DEBUG=%s enables the debug log: %s", (sections, expected) => {
  expect(enablesDebugLog(sections)).toBe(expected);
});
