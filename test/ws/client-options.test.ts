import type { RequestOptions } from "node:http";
import { describe, expect, expectTypeOf, it } from "vitest";
import type { ClientOptions as WsClientOptions } from "ws";
import { type ClientOptions, resolveHandshakeOptions } from "../../src/ws/client-options.ts";

describe("resolveHandshakeOptions", () => {
  it("fills in the defaults of ws", () => {
    const defaults = {
      finishRequest: undefined,
      followRedirects: false,
      handshakeTimeout: undefined,
      maxRedirects: 10,
      perMessageDeflate: {},
      protocolVersion: 13,
      forwarded: {},
    };
    expect(resolveHandshakeOptions({})).toEqual(defaults);
    expect(
      resolveHandshakeOptions({
        followRedirects: undefined,
        handshakeTimeout: undefined,
        maxRedirects: undefined,
        perMessageDeflate: undefined,
        protocolVersion: undefined,
      }),
    ).toEqual(defaults);
  });

  it("treats null like ws: no limit, no redirect and no callback", () => {
    const options = { finishRequest: null, handshakeTimeout: null, maxRedirects: null };
    expect(resolveHandshakeOptions(options as object)).toMatchObject({
      finishRequest: undefined,
      handshakeTimeout: undefined,
      maxRedirects: 0,
    });
  });

  it("accepts the option types of @types/ws and of http.request", () => {
    type Others = Omit<
      WsClientOptions,
      "finishRequest" | "maxBufferedChunks" | "perMessageDeflate"
    >;
    expectTypeOf<Others>().toExtend<ClientOptions>();
    expectTypeOf<RequestOptions>().toExtend<ClientOptions>();
  });

  it("offers no compression if perMessageDeflate is false", () => {
    const { perMessageDeflate } = resolveHandshakeOptions({ perMessageDeflate: false });
    expect(perMessageDeflate).toBe(undefined);
  });

  it.each([7, 14, 1000, "13"])("throws for protocolVersion %j", (protocolVersion) => {
    expect(() => resolveHandshakeOptions({ protocolVersion: protocolVersion as number })).toThrow(
      new RangeError(
        `Unsupported protocol version: ${protocolVersion} (supported versions: 8, 13)`,
      ),
    );
  });

  it("limits handshakeTimeout to the maximum delay of a timer", () => {
    const { handshakeTimeout } = resolveHandshakeOptions({ handshakeTimeout: Infinity });
    expect(handshakeTimeout).toBe(2 ** 31 - 1);
    expect(resolveHandshakeOptions({ handshakeTimeout: 0 }).handshakeTimeout).toBe(undefined);
  });

  it.each([
    [{ handshakeTimeout: -1 }, "-1"],
    [{ handshakeTimeout: Number.NaN }, "NaN"],
    [{ handshakeTimeout: "1000" as unknown as number }, '"1000"'],
  ])("throws INVALID_OPTION for %j", (options, shown) => {
    expect(() => resolveHandshakeOptions(options)).toThrow(
      expect.objectContaining({
        code: "INVALID_OPTION",
        message: `ws: handshakeTimeout is ${shown}; it must be a positive number of milliseconds, or 0 for no limit`,
      }),
    );
  });

  it.each([-1, 1.5])("throws INVALID_OPTION for maxRedirects %d", (maxRedirects) => {
    expect(() => resolveHandshakeOptions({ maxRedirects })).toThrow(
      expect.objectContaining({
        code: "INVALID_OPTION",
        message: `ws: maxRedirects is ${maxRedirects}; it must be an integer, 0 or more`,
      }),
    );
  });

  it.each([
    { serverMaxWindowBits: 7 },
    { serverMaxWindowBits: true as unknown as number },
    { clientMaxWindowBits: 16 },
    { threshold: -1 },
    { zlibDeflateOptions: { level: 10 } },
    { zlibDeflateOptions: { windowBits: 16 } },
  ])("throws for perMessageDeflate %j", (perMessageDeflate) => {
    expect(() => resolveHandshakeOptions({ perMessageDeflate })).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION" }),
    );
  });

  it.each([
    { closeTimeout: Number.NaN },
    { maxBufferedBytes: -1 },
    { maxBufferedBytes: "1000" as unknown as number },
    { heartbeat: 30_000 as unknown as boolean },
    { heartbeat: { timeoutMs: 0 } },
    { heartbeat: { timeoutMs: Number.NaN } },
  ])("throws INVALID_OPTION for %j", (options) => {
    expect(() => resolveHandshakeOptions(options)).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION" }),
    );
  });
});
