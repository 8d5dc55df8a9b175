import { describe, expect, it } from "vitest";
import type { PerMessageDeflateOptions } from "../../../src/ws/extensions/deflate-options.ts";
import { format, parse } from "../../../src/ws/extensions/extension.ts";
import { PerMessageDeflate } from "../../../src/ws/extensions/per-message-deflate.ts";

const NAME = "permessage-deflate";

/** The answer of one end to the parameters of the other end. */
function accept(isServer: boolean, params: string, options: PerMessageDeflateOptions = {}): string {
  const deflate = new PerMessageDeflate({ ...options, isServer });
  const agreed = deflate.accept(parse(`${NAME}${params}`)[NAME]);
  return format({ [NAME]: { ...agreed } }).slice(NAME.length);
}

const ALL =
  "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=11";

describe("a client", () => {
  it("offers by default that the server may choose the client's window", () => {
    expect(new PerMessageDeflate().offer()).toEqual({ client_max_window_bits: true });
    expect(new PerMessageDeflate({ clientMaxWindowBits: false }).offer()).toEqual({});
  });

  it("offers what its options ask for", () => {
    const options = {
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
      serverMaxWindowBits: 10,
      clientMaxWindowBits: 11,
    };
    expect(new PerMessageDeflate(options).offer()).toEqual({
      server_no_context_takeover: true,
      client_no_context_takeover: true,
      server_max_window_bits: 10,
      client_max_window_bits: 11,
    });
  });

  it("accepts an answer with any parameters, by default", () => {
    expect(accept(false, "")).toBe("");
    expect(accept(false, ALL)).toBe(ALL);
  });

  it("uses no larger window than it has offered", () => {
    expect(accept(false, "", { clientMaxWindowBits: 10 })).toBe("; client_max_window_bits=10");
  });

  it.each<[string, PerMessageDeflateOptions]>([
    ["; client_max_window_bits", {}],
    ["; client_no_context_takeover", { clientNoContextTakeover: false }],
    ["; client_max_window_bits=10", { clientMaxWindowBits: false }],
    ["; client_max_window_bits=11", { clientMaxWindowBits: 10 }],
  ])("does not accept the answer %j with the options %o", (params, options) => {
    expect(() => accept(false, params, options)).toThrow(/client_/);
  });
});

describe("a server", () => {
  it.each<[string, PerMessageDeflateOptions, string]>([
    ["", {}, ""],
    [ALL, {}, ALL],
    ["; client_max_window_bits", {}, ""],
    ["; client_max_window_bits=10", { clientMaxWindowBits: false }, ""],
    ["; client_max_window_bits", { clientMaxWindowBits: 10 }, "; client_max_window_bits=10"],
    ["; client_max_window_bits=12", { clientMaxWindowBits: 10 }, "; client_max_window_bits=10"],
    [
      "; client_no_context_takeover",
      { clientNoContextTakeover: false },
      "; client_no_context_takeover",
    ],
    [
      "",
      { serverNoContextTakeover: true, clientNoContextTakeover: true },
      "; server_no_context_takeover; client_no_context_takeover",
    ],
    ["; server_max_window_bits=12", { serverMaxWindowBits: 10 }, "; server_max_window_bits=10"],
    [
      "; server_max_window_bits=9, permessage-deflate",
      { serverMaxWindowBits: 10 },
      "; server_max_window_bits=10",
    ],
  ])("answers the offer %j and the options %o with %j", (params, options, answer) => {
    expect(accept(true, params, options)).toBe(answer);
  });

  it.each<[string, PerMessageDeflateOptions]>([
    ["; server_no_context_takeover", { serverNoContextTakeover: false }],
    ["; server_max_window_bits=10", { serverMaxWindowBits: false }],
    ["; server_max_window_bits=9", { serverMaxWindowBits: 10 }],
    ["", { clientMaxWindowBits: 10 }],
    ["; client_max_window_bits=9", { clientMaxWindowBits: 10 }],
  ])("does not accept the offer %j with the options %o", (params, options) => {
    expect(() => accept(true, params, options)).toThrow(
      "None of the extension offers can be accepted",
    );
  });
});

it.each([
  ["; server_max_window_bits", 'Invalid value for parameter "server_max_window_bits": true'],
  ["; server_max_window_bits=7", 'Invalid value for parameter "server_max_window_bits": 7'],
  ["; server_max_window_bits=08", 'Invalid value for parameter "server_max_window_bits": 08'],
  ["; client_max_window_bits=16", 'Invalid value for parameter "client_max_window_bits": 16'],
  ["; client_no_context_takeover=1", 'Invalid value for parameter "client_no_context_takeover": 1'],
  [
    "; server_no_context_takeover; server_no_context_takeover",
    'Parameter "server_no_context_takeover" must have only a single value',
  ],
  ["; toString", 'Unknown parameter "toString"'],
])("neither end accepts the parameters %j (RFC 7692 7.1)", (params, message) => {
  for (const isServer of [true, false]) {
    expect(() => accept(isServer, params)).toThrow(message);
  }
});
