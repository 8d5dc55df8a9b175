import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ClosingRecord,
  createEndpoint,
  type CreateEndpointOptions,
  createProtocolEnvironment,
  ProtocolError,
  UsageError,
  type WebSocketEndpoint,
} from "../../src/protocol/index.ts";
import { asPeerOf, frame, fromHex, ROLES, toHex } from "./support.ts";

const context = { windowBits: 15, takesOver: false };
const agreement = { sending: context, receiving: context, settings: {} };

interface Recorded {
  readonly endpoint: WebSocketEndpoint;
  readonly received: Array<string | Uint8Array>;
  readonly ends: ClosingRecord[];
}

function record(options: Partial<CreateEndpointOptions>): Recorded {
  const received: Array<string | Uint8Array> = [];
  const ends: ClosingRecord[] = [];
  const endpoint = createEndpoint({
    role: "server",
    onText: (text) => received.push(text),
    onBinary: (bytes) => received.push(bytes),
    onFinish: (end) => ends.push(end),
    ...options,
  });
  return { endpoint, received, ends };
}

/** Passes the output of both ends to each other until there is none. */
function exchange(a: WebSocketEndpoint, b: WebSocketEndpoint, cutBytes = Infinity): void {
  for (let isIdle = false; !isIdle;) {
    isIdle = true;
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const bytes = from.takeOutput();
      if (bytes.length > 0) isIdle = false;
      for (let at = 0; at < bytes.length; at += cutBytes) {
        to.receive(bytes.subarray(at, Math.min(at + cutBytes, bytes.length)));
      }
    }
  }
}

describe("createEndpoint", () => {
  it("carries any messages both ways in order, wherever the bytes are split", () => {
    const message = fc.oneof(fc.string({ unit: "grapheme" }), fc.uint8Array({ maxLength: 300 }));
    fc.assert(
      fc.property(fc.array(message), fc.integer({ min: 1, max: 50 }), (messages, cutBytes) => {
        const [client, server] = [record({ role: "client" }), record({ maxFrameBytes: 10 })];
        for (const { endpoint } of [client, server]) {
          for (const each of messages) {
            if (typeof each === "string") endpoint.sendText(each);
            else endpoint.sendBinary(each);
          }
        }
        exchange(client.endpoint, server.endpoint, cutBytes);
        expect(server.received).toEqual(messages);
        expect(client.received).toEqual(messages);
      }),
    );
  });

  it.each(ROLES)("completes a closing handshake that the %s starts (RFC 6455 7.1.2)", (role) => {
    const [one, other] = [
      record({ role }),
      record({ role: role === "client" ? "server" : "client" }),
    ];
    one.endpoint.close(4000, "bye");
    expect(one.endpoint.state).toBe("closing");
    exchange(one.endpoint, other.endpoint);
    expect(other.ends).toEqual([{ code: 4000, reason: "bye", wasClean: true, error: undefined }]);
    expect(one.ends).toMatchObject([{ code: 4000, wasClean: true }]);
  });

  it("finishes with 1006 when the bytes end without a Close frame (RFC 6455 7.1.5)", () => {
    const { endpoint, ends } = record({});
    endpoint.receiveEnd();
    expect(ends).toMatchObject([{ code: 1006, wasClean: false }]);
  });

  it("returns its output once, in memory that is not reused", () => {
    const { endpoint } = record({});
    endpoint.sendText("a");
    const first = endpoint.takeOutput();
    endpoint.sendText("b");
    const second = endpoint.takeOutput();
    expect([toHex(first), toHex(second)]).toEqual([frame("81", "61"), frame("81", "62")]);
    expect(first.buffer).not.toBe(second.buffer);
    expect(endpoint.takeOutput()).toHaveLength(0);
  });

  it("holds back messages while paused", () => {
    const { endpoint, received } = record({});
    endpoint.pause();
    endpoint.receive(asPeerOf("server", fromHex(frame("81", "61"))));
    expect(received).toEqual([]);
    expect(endpoint.bufferedBytes).toBe(7);
    endpoint.resume();
    expect(received).toEqual(["a"]);
  });

  it("reports pings and pongs on request, and always answers pings", () => {
    const events: string[] = [];
    const { endpoint } = record({
      onPing: (payload) => events.push(`ping ${toHex(payload)}`),
      onPong: (payload) => events.push(`pong ${toHex(payload)}`),
    });
    const pings = fromHex(frame("89", "01") + frame("8a", "02"));
    endpoint.receive(asPeerOf("server", pings));
    expect(events).toEqual(["ping 01", "pong 02"]);
    expect(toHex(endpoint.takeOutput())).toBe(frame("8a", "01"));
    const quiet = record({}).endpoint;
    quiet.receive(asPeerOf("server", pings));
    expect(toHex(quiet.takeOutput())).toBe(frame("8a", "01"));
  });

  it("answers only the latest ping while 64 KiB of output are buffered (RFC 6455 5.5.3)", () => {
    const { endpoint } = record({});
    endpoint.sendBinary(new Uint8Array(70_000));
    for (const payload of ["01", "02", "03"]) {
      endpoint.receive(asPeerOf("server", fromHex(frame("89", payload))));
    }
    expect(endpoint.takeOutput()).toHaveLength(70_010);
    expect(toHex(endpoint.takeOutput())).toBe(frame("8a", "03"));
  });

  it("fails the connection with the close code of an error", () => {
    const { endpoint, ends } = record({});
    const error = new ProtocolError("RATE_EXCEEDED", "too fast", { closeCode: 1008 });
    endpoint.fail(error);
    expect(toHex(endpoint.takeOutput())).toMatch(/^88..03f0/);
    expect(ends).toEqual([{ code: 1006, reason: "", wasClean: false, error }]);
  });

  it("limits messages by maxMessageBytes", () => {
    const { endpoint, ends } = record({ maxMessageBytes: 2 });
    endpoint.receive(asPeerOf("server", fromHex(frame("81", "616263"))));
    expect(ends).toMatchObject([{ error: { code: "MESSAGE_TOO_BIG" } }]);
  });

  it("accepts a copy of an environment with replaced functions", () => {
    const fillRandom = (bytes: Uint8Array) => void bytes.fill(0x11);
    const environment = { ...createProtocolEnvironment(), fillRandom };
    const { endpoint } = record({ role: "client", environment });
    endpoint.sendBinary(new Uint8Array(2));
    expect(toHex(endpoint.takeOutput())).toBe("8282111111111111");
  });

  it.each(["", "0102", "03".repeat(3000)])(
    "delivers each message in separate memory, which may be transferred (%#)",
    (hex) => {
      const { endpoint, received } = record({ environment: createProtocolEnvironment() });
      const message = asPeerOf("server", fromHex(frame("82", hex)));
      for (let count = 0; count < 3; count++) {
        endpoint.receive(message.slice());
        const { buffer } = received.at(-1) as Uint8Array<ArrayBuffer>;
        // The first error is kept.
        if (count > 0) structuredClone(buffer, { transfer: [buffer] });
      }
      expect(received).toHaveLength(3);
      expect(toHex(received[0] as Uint8Array)).toBe(hex);
    },
  );

  it.each([
    ["onText", "8161"],
    ["onBinary", "8261"],
    ["onPing", "8961"],
    ["onPong", "8a61"],
  ] as const)("fails with 1011 when %s throws, and throws the same error", (name, hex) => {
    const mistake = new Error("a mistake");
    const { endpoint, ends } = record({
      [name]: () => {
        throw mistake;
      },
    });
    const bytes = asPeerOf("server", fromHex(frame(hex.slice(0, 2), hex.slice(2)).repeat(2)));
    expect(() => endpoint.receive(bytes)).toThrow(mistake);
    expect(endpoint.state).toBe("closed");
    expect(ends).toMatchObject([{ error: { code: "CALLBACK_FAILED", cause: mistake } }]);
    expect(toHex(endpoint.takeOutput())).toMatch(/88..03f3/);
    endpoint.receive(new Uint8Array(100));
    expect(endpoint.bufferedBytes).toBe(0);
  });

  it("uses the functions of the environment, with and without shared buffers", () => {
    const fillRandom = (bytes: Uint8Array) => void bytes.fill(0x11);
    const environment = createProtocolEnvironment({ fillRandom });
    const { buffers: _, ...plain } = environment as typeof environment & { buffers: unknown };
    for (const given of [environment, plain]) {
      const { endpoint } = record({ role: "client", environment: given });
      endpoint.sendBinary(new Uint8Array(2));
      expect(toHex(endpoint.takeOutput())).toBe("8282111111111111");
    }
  });

  it.each<[string, string, Readonly<Record<string, unknown>>]>([
    ["an unknown role", "role", { role: "peer" }],
    ["a missing onText", "onText", { onText: undefined }],
    ["an onPing that is not a function", "onPing", { onPing: "log" }],
    ["a maxMessageBytes of 0", "maxMessageBytes", { maxMessageBytes: 0 }],
    ["a maxFrameBytes that is not an integer", "maxFrameBytes", { maxFrameBytes: 1.5 }],
    ["an unknown option", "maxMesageBytes", { maxMesageBytes: 10 }],
    ["an environment of null", "maxTextBytes", { environment: null }],
    ["an environment without functions", "maxTextBytes", { environment: {} }],
    ["a compression of true", "compression", { compression: true }],
    ["a compression without agreement", "compression", { compression: { codec: {} } }],
    ["a compression without codec", "compression", { compression: { agreement } }],
  ])("throws INVALID_OPTION for %s, and names %s", (_, name, options) => {
    const make = () => record(options);
    expect(make).toThrow(UsageError);
    expect(make).toThrow(
      expect.objectContaining({
        code: "INVALID_OPTION",
        message: expect.stringMatching(new RegExp(`^create\\w+: .*\\b${name}\\b`)) as string,
      }),
    );
  });

  it.each([undefined, null, "server", []])("throws INVALID_OPTION for %j as options", (options) => {
    const make = () => createEndpoint(options as never);
    expect(make).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
  });

  it("throws INVALID_OPTION for an environment with a value that is not a function", () => {
    const make = () => createProtocolEnvironment({ fillRandom: 5 as never });
    expect(make).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
  });

  it.each<[string, (endpoint: WebSocketEndpoint) => void]>([
    ["sendText of bytes", (endpoint) => endpoint.sendText(Uint8Array.of(1) as never)],
    ["sendBinary of text", (endpoint) => endpoint.sendBinary("a" as never)],
    ["receive of text", (endpoint) => endpoint.receive("a" as never)],
    ["ping with text", (endpoint) => endpoint.ping("a" as never)],
    ["close with a reason of null", (endpoint) => endpoint.close(1000, null as never)],
    ["fail without an error", (endpoint) => endpoint.fail(undefined as never)],
    ["fail with another error", (endpoint) => endpoint.fail(new Error("no") as never)],
  ])("throws INVALID_DATA for %s and sends nothing", (_, call) => {
    const { endpoint } = record({});
    expect(() => call(endpoint)).toThrow(expect.objectContaining({ code: "INVALID_DATA" }));
    expect(endpoint.takeOutput()).toHaveLength(0);
    expect(endpoint.state).toBe("open");
  });
});
