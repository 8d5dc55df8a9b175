import { describe, expect, it } from "vitest";
import { readNoProxy } from "../../../src/node/client/no-proxy.ts";

const covers = (value: string, host: string, port = 443): boolean =>
  readNoProxy(value)({ host, port });

describe("NO_PROXY", () => {
  it.each([
    ["*", "example.com"],
    ["a.org, *", "example.com"],
    ["example.com", "example.com"],
    ["example.com", "www.example.com"],
    [".example.com", "www.example.com"],
    [".example.com", "example.com"],
    ["*.example.com", "www.example.com"],
    ["EXAMPLE.com", "example.com"],
    ["example.com", "EXAMPLE.COM"],
    ["example.com.", "example.com"],
    ["example.com", "example.com."],
    ["a.org,example.com", "example.com"],
    ["a.org example.com", "example.com"],
    [" a.org ,\texample.com ", "example.com"],
    ["example.com:443", "example.com"],
    ["b\u{fc}cher.example", "xn--bcher-kva.example"],
    ["localhost", "localhost"],
    ["10.1.2.3", "10.1.2.3"],
    ["10.1.2.3:443", "10.1.2.3"],
    ["10.0.0.0/8", "10.255.0.1"],
    ["10.1.2.3/32", "10.1.2.3"],
    ["0.0.0.0/0", "1.2.3.4"],
    ["::1", "::1"],
    ["[::1]", "::1"],
    ["[::1]:443", "::1"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["2001:db8::/32", "2001:db8:1::1"],
  ])("%j covers %s", (value, host) => {
    expect(covers(value, host)).toBe(true);
  });

  it.each([
    ["", "example.com"],
    [" , ", "example.com"],
    ["example.com", "badexample.com"],
    ["example.com", "example.com.evil.org"],
    ["www.example.com", "example.com"],
    ["example.com:8080", "example.com"],
    ["ex*.com", "example.com"],
    [".", "example.com"],
    ["10.0.0.0/8", "11.0.0.1"],
    ["10.0.0.0/99", "10.0.0.1"],
    ["10.0.0.0/8/8", "10.0.0.1"],
    ["10.0.0.0/x", "10.0.0.1"],
    ["10.0.0.0/", "10.0.0.0"],
    ["10.1.2.3", "10.1.2.30"],
    ["10.0.0.0/8", "10.example.com"],
    ["[::1]:80", "::1"],
    ["::1", "::2"],
    ["2001:db8::/32", "2001:db9::1"],
  ])("%j does not cover %s", (value, host) => {
    expect(covers(value, host)).toBe(false);
  });
});
