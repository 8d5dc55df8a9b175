import { describe, expect, it } from "vitest";
import { readAddress } from "../../../src/ws/client/address.ts";
import { redirectCredentials, withUserInfo } from "../../../src/ws/client/credentials.ts";

const CREDENTIALS = {
  headers: {
    AUTHORIZATION: "Bearer token",
    Cookie: "session=1",
    "proxy-authorization": "Basic cHJveHk=",
    host: "chosen.example",
    "x-api": "1",
  },
  auth: "user:password",
  socketPath: "/a.sock",
};

const redirect = (from: string, to: string): typeof CREDENTIALS =>
  redirectCredentials(CREDENTIALS, readAddress(from), readAddress(to)) as typeof CREDENTIALS;

describe("a redirect", () => {
  it.each([
    ["ws://a.example/x", "ws://a.example/y"],
    ["ws://a.example", "wss://a.example"],
    ["wss://a.example", "wss://a.example/y"],
    ["ws+unix:/a.sock:/x", "ws+unix:/a.sock:/y"],
  ])("from %s to %s keeps all headers and credentials", (from, to) => {
    expect(redirect(from, to)).toEqual(CREDENTIALS);
  });

  it.each([
    ["ws://a.example", "ws://b.example"],
    ["ws://a.example", "ws://a.example:8080"],
    ["ws://a.example", "ws+unix:/a.sock"],
    ["ws+unix:/a.sock", "ws+unix:/b.sock"],
    ["ws+unix:/a.sock", "ws://a.example"],
    ["ws://a.example", "ws://user:password@b.example"],
  ])("from %s to %s removes credentials and the Host header", (from, to) => {
    expect(redirect(from, to)).toEqual({
      headers: { "x-api": "1" },
      auth: undefined,
      socketPath: undefined,
    });
  });

  it("from TLS to plain text removes credentials, and keeps the Host header", () => {
    expect(redirect("wss://a.example", "ws://a.example")).toEqual({
      headers: { host: "chosen.example", "x-api": "1" },
      auth: undefined,
      socketPath: "/a.sock",
    });
  });

  it("uses the user name of its URL if there were no credentials", () => {
    const none = { headers: {}, auth: undefined, socketPath: undefined };
    const address = readAddress("ws://a:b@a.example");
    expect(withUserInfo(none, address).auth).toBe("a:b");
    expect(withUserInfo({ ...none, auth: "c:d" }, address).auth).toBe("c:d");
  });
});
