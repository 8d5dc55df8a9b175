import { describe, expect, it } from "vitest";
import { checkBunOptions, largestMessageBytes } from "../../src/bun/options.ts";
import { TLS } from "../support/certificate.ts";

describe("options that Bun.serve does not offer", () => {
  it.each([
    ["http2", { http2: false }],
    ["path", { path: "/tmp/socket" }],
    ["backlog", { backlog: 10 }],
    ["fastPaths", { fastPaths: true }],
    ["compression", { compression: true }],
    ["compression", { routes: { "ws:/": { compression: {}, handle() {} } } }],
    ["tls.requestCert", { tls: { ...TLS, requestCert: true } }],
    ["tls.SNICallback", { tls: { ...TLS, SNICallback() {} } }],
  ])("are refused with their name: %s", (name, options) => {
    expect(() => checkBunOptions({ routes: {}, ...options })).toThrow(
      expect.objectContaining({
        code: "UNSUPPORTED",
        message: expect.stringContaining(`does not offer ${name};`) as string,
      }),
    );
  });

  it("do not include a route that switches compression off", () => {
    const routes = { "ws:/": { compression: false, handle() {} } };
    expect(() => checkBunOptions({ routes, tls: TLS })).not.toThrow();
  });

  it("do not include options that are undefined, as with tideway/server", () => {
    const options = { http2: undefined, compression: undefined, tls: { ...TLS, ca: undefined } };
    expect(() => checkBunOptions({ routes: {}, ...options })).not.toThrow();
  });
});

it.each([{ tls: true }, { tls: {} }, { tls: { cert: TLS.cert } }])(
  "throws for the invalid option %o",
  (options) => {
    expect(() => checkBunOptions({ routes: {}, ...options })).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION" }),
    );
  },
);

it("leaves invalid routes to the route table", () => {
  expect(() => checkBunOptions({ routes: undefined })).not.toThrow();
  expect(() => checkBunOptions({ routes: { "ws:/": null } })).not.toThrow();
});

describe("Bun's limit for messages", () => {
  it("is the largest limit of all routes", () => {
    const handle = (): void => {};
    expect(largestMessageBytes({}, {})).toBe(1_048_576);
    const routes = { "ws:/": { maxMessageBytes: 5000, handle }, "/": () => new Response("") };
    expect(largestMessageBytes({ maxMessageBytes: 100 }, routes)).toBe(5000);
    expect(largestMessageBytes({ maxMessageBytes: 9000 }, routes)).toBe(9000);
    expect(largestMessageBytes({ maxMessageBytes: Infinity }, routes)).toBe(2 ** 31 - 1);
  });
});
