import { expect, it } from "vitest";
import { gapsOf } from "../../../src/node/serve/runtime-gaps.ts";
import { checkHttp2, checkTls } from "../../../src/node/serve/tls-options.ts";
import { TLS } from "../../support/certificate.ts";

const BUN = gapsOf({ bun: "1.4.5", node: "26.3.0" });

it("Node.js and Deno have every option", () => {
  expect(gapsOf({ node: "20.19.0" })).toEqual({});
  expect(gapsOf({ node: "26.3.0", deno: "2.9.6" })).toEqual({});
});

it("http2 in Bun throws, and names the issue", () => {
  expect(() => checkHttp2(true, TLS, BUN)).toThrow(
    expect.objectContaining({
      code: "UNSUPPORTED",
      message: expect.stringContaining("github.com/oven-sh/bun/pull/33545") as unknown,
    }),
  );
  expect(() => checkHttp2(false, TLS, BUN)).not.toThrow();
});

it("SNICallback in Bun throws, because Bun would show every client the same certificate", () => {
  const options = { ...TLS, SNICallback: (): void => {} };
  expect(() => checkTls(options, BUN)).toThrow(expect.objectContaining({ code: "UNSUPPORTED" }));
  expect(() => checkTls(options, {})).not.toThrow();
  expect(() => checkTls(TLS, BUN)).not.toThrow();
});
