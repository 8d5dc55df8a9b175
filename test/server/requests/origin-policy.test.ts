import { describe, expect, it } from "vitest";
import { compileOriginPolicy } from "../../../src/server/requests/origin-policy.ts";
import { decide } from "../fake-upgrade.ts";

const handle = (): void => {};

describe("a handshake", () => {
  it("with two Origin fields gets 403, except with the policy *", async () => {
    const origins = ["http://localhost", "http://localhost"];
    const { decision } = await decide(handle, { origins });
    expect(decision).toMatchObject({
      status: 403,
      message: "The request has several Origin headers.",
    });
    expect((await decide({ origins: "*", handle }, { origins })).decision.kind).toBe("accept");
  });

  it("from another origin gets a 403 that names the option to set, except in production", async () => {
    const attempt = { origins: ["http://example.com"] };
    const verbose = await decide(handle, attempt);
    expect(verbose.decision).toMatchObject({
      message:
        'Pages from "http://example.com" may not connect. ' +
        "To allow them, add this origin to the origins option of the server or the route.",
    });
    const production = await decide(handle, attempt, { isProduction: true });
    expect(production.decision).toMatchObject({
      message: 'Pages from "http://example.com" may not connect.',
    });
    for (const { environment } of [verbose, production]) {
      expect(environment.refused[0].reason).toBe("Pages from this origin may not connect.");
    }
  });
});

it("a list of origins accepts a non-ASCII host on the ten-thousandth check as on the first", () => {
  const isAllowed = compileOriginPolicy(["https://xn--bcher-kva.example"]);
  const request = new Request("https://localhost/");
  const claim = { origins: ["https://b\u00fccher.example"], host: "", isSecure: true, request };
  // URL.canParse of Node 20 and 22 refuses it once the engine has optimised the calls.
  for (let count = 0; count < 10_000; count++) expect(isAllowed(claim)).toBe(true);
});
