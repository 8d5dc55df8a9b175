import assert from "node:assert/strict";
import * as fc from "fast-check";
import { compileOriginPolicy } from "../../../src/server/requests/origin-policy.ts";
import type { FuzzTarget } from "../target.ts";

interface OriginInput {
  /** The values of all `Origin` fields. */
  readonly origins: readonly string[];
  readonly host: string;
  readonly isSecure: boolean;
}

/** By default only pages of the host and port of the request are accepted (RFC 6455 10.2). */
export const origins: FuzzTarget<OriginInput> = {
  name: "origins",

  arbitrary: () =>
    fc.record({
      origins: fc.array(
        fc
          .tuple(scheme, place, fc.constantFrom("", "", "", "/", "#", "?", " "))
          .map((all) => all.join("")),
        { maxLength: 2 },
      ),
      host: place,
      isSecure: fc.boolean(),
    }),

  check(input) {
    const isAllowed = check({ ...input, request: new Request("http://localhost/") });
    if (input.origins.length === 0) assert.equal(isAllowed, true);
    if (input.origins.length > 1) assert.equal(isAllowed, false);
    if (input.origins.length !== 1) return;
    const [origin] = input.origins;
    // RFC 6454 6.2: only scheme, host and port, so that URL drops nothing.
    const match = /^(https?):\/\/([^/?#@\\\s]+)$/i.exec(origin);
    const isRightScheme = match !== null && (!input.isSecure || match[1].toLowerCase() === "https");
    const expected = isRightScheme && isSameHost(match[1], match[2], input.host);
    assert.equal(isAllowed, expected);
  },
};

const check = compileOriginPolicy("same-origin");
const scheme = fc.constantFrom(
  "http://",
  "https://",
  "HTTPS://",
  "ws://",
  "file://",
  "null",
  "",
  "chrome-extension://",
);
const place = fc.oneof(
  fc.constantFrom(
    "a.example",
    "A.example",
    "b.example",
    "a.example:80",
    "a.example:443",
    "a.example:8080",
  ),
  fc.constantFrom(
    "user@a.example",
    "a.example.evil.example",
    "[::1]",
    "[::1]:80",
    "127.0.0.1",
    "127.1",
    "",
  ),
  fc.constantFrom(
    "a.example/",
    "a.example\\",
    "a%2eexample",
    "a.example:",
    "a.example:99999",
    "\u00e4.example",
  ),
  fc.string({ unit: "binary-ascii", maxLength: 6 }),
);

function isSameHost(schemeName: string, one: string, other: string): boolean {
  if (/[/?#@\\\s]/.test(other) || other === "") return false;
  const [first, second] = [`${schemeName}://${one}`, `${schemeName}://${other}`];
  if (!URL.canParse(first) || !URL.canParse(second)) return false;
  return new URL(first).host === new URL(second).host;
}
