import { expect, it } from "vitest";
import { hostOf, portOf, serverNameOf } from "../../../src/node/client/dial.ts";

it.each([
  ["example.com", "example.com"],
  ["example.com.", "example.com"],
  ["localhost", "localhost"],
  ["192.0.2.7", undefined],
  ["::1", undefined],
])("the server name of %s in a TLS handshake is %s (RFC 6066 3)", (host, name) => {
  expect(serverNameOf(host)).toBe(name);
});

it.each([
  ["wss://[::1]:8080/", "::1", 8080],
  ["wss://example.com/", "example.com", 443],
  ["ws://192.0.2.7/", "192.0.2.7", 80],
])("the host and port of %s are %s and %i", (text, host, port) => {
  const url = new URL(text);
  expect([hostOf(url), portOf(url, url.protocol === "wss:")]).toEqual([host, port]);
});
