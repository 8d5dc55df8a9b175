import { describe, expect, it } from "vitest";
import {
  credentialsOf,
  isSameHost,
  readAddress,
  resolveRedirect,
} from "../../../src/ws/client/address.ts";

const errorOf = (read: () => unknown): string => {
  try {
    read();
  } catch (error) {
    return String(error);
  }
  return "no error";
};

describe("readAddress", () => {
  it.each([
    ["ws://example.com", "ws://example.com/", "example.com", 80, "/", false],
    ["wss://example.com/a?b", "wss://example.com/a?b", "example.com", 443, "/a?b", true],
    ["http://example.com:81", "ws://example.com:81/", "example.com", "81", "/", false],
    ["https://example.com", "wss://example.com/", "example.com", 443, "/", true],
    ["ws://[::1]:9/", "ws://[::1]:9/", "::1", "9", "/", false],
  ])("reads %s", (address, href, host, port, path, isSecure) => {
    const { url, ...rest } = readAddress(address);
    expect(url.href).toBe(href);
    expect(rest).toEqual({ host, port, path, isSecure, socketPath: undefined });
    expect(readAddress(new URL(address)).url.href).toBe(href);
  });

  it.each([
    ["ws+unix:/tmp/a.sock", "/tmp/a.sock", "/", false],
    ["ws+unix:/tmp/a.sock:/path?query", "/tmp/a.sock", "/path?query", false],
    ["wss+unix:/tmp/a.sock:/path", "/tmp/a.sock", "/path", true],
    [String.raw`ws+unix:\\.\pipe\name:/path`, String.raw`\\.\pipe\name`, "/path", false],
    ["ws+unix:/tmp/a b.sock", "/tmp/a b.sock", "/", false],
  ])("reads %s as the address of a Unix socket", (address, socketPath, path, isSecure) => {
    expect(readAddress(address)).toMatchObject({ socketPath, path, isSecure, host: "localhost" });
  });

  it("does not change the URL of the caller", () => {
    const url = new URL("http://example.com");
    readAddress(url);
    expect(url.protocol).toBe("http:");
  });

  it.each([
    ["foo", "SyntaxError: Invalid URL: foo"],
    ["", "SyntaxError: Invalid URL: "],
    ["ws://", "SyntaxError: Invalid URL: ws://"],
    ["ws+unix:", "SyntaxError: The URL's pathname is empty"],
    ["ws+unix://host/a.sock", "SyntaxError: Invalid URL: ws+unix://host/a.sock"],
    ["ws+unix:/a.sock:b", "SyntaxError: Invalid URL: ws+unix:/a.sock:b"],
    ["ws+unix:/a%00.sock", "SyntaxError: Invalid URL: ws+unix:/a%00.sock"],
    ["wss://example.com#foo", "SyntaxError: The URL contains a fragment identifier"],
    [
      "ftp://example.com",
      'SyntaxError: The URL\'s protocol must be one of "ws:", "wss:", "http:", "https:", or "ws+unix:"',
    ],
  ])("throws for %j", (address, error) => {
    expect(errorOf(() => readAddress(address))).toBe(error);
  });
});

describe("resolveRedirect", () => {
  it.each([
    ["ws://a.example/x", "/y", "ws://a.example/y"],
    ["ws://a.example/x/", "y?z", "ws://a.example/x/y?z"],
    ["wss://a.example/x", "//b.example/y", "wss://b.example/y"],
    ["ws://a.example/x", "https://b.example/y", "wss://b.example/y"],
    ["ws+unix:/a.sock:/x", "/y?z", "ws+unix:/a.sock:/y?z"],
    ["ws+unix:/a%20b.sock", "y", "ws+unix:/a%20b.sock:/y"],
    ["ws+unix:/a.sock:/x", "ws+unix:/b.sock:/y", "ws+unix:/b.sock:/y"],
    ["ws+unix:/a.sock:/x", "ws://b.example/y", "ws://b.example/y"],
    ["ws+unix:/a.sock:/x", "//b.example/y", "ws://b.example/y"],
  ])("from %s to %s leads to %s", (from, location, to) => {
    expect(resolveRedirect(location, readAddress(from)).url.href).toBe(to);
  });

  it.each(["ws://", "ftp://a.example", "ws://a.example#b"])("throws for %s", (location) => {
    const from = readAddress("ws://a.example");
    expect(errorOf(() => resolveRedirect(location, from))).toContain("SyntaxError: ");
  });
});

describe("credentialsOf", () => {
  it.each([
    ["ws://example.com", undefined],
    ["ws://user@example.com", "user:"],
    ["ws://a%40b:p%3Aq@example.com", "a@b:p:q"],
    ["ws://50%@example.com", "50%:"],
  ])("of %s are %j", (address, credentials) => {
    expect(credentialsOf(readAddress(address))).toBe(credentials);
  });
});

describe("isSameHost", () => {
  it.each([
    ["ws://a.example", "wss://a.example/path", true],
    ["ws://a.example", "ws://a.example:81", false],
    ["ws://a.example", "ws://b.example", false],
    ["ws://a.example", "ws+unix:/a.sock", false],
    ["ws+unix:/a.sock:/x", "ws+unix:/a.sock:/y", true],
    ["ws+unix:/a.sock", "ws+unix:/b.sock", false],
  ])("of %s and %s is %s", (one, other, isSame) => {
    expect(isSameHost(readAddress(one), readAddress(other))).toBe(isSame);
  });
});
