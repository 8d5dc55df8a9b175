import { describe, expect, it } from "vitest";
import { readAddress } from "../../../src/ws/client/address.ts";
import type { ForwardedOptions } from "../../../src/ws/client/handshake-options.ts";
import { upgradeRequestOptions } from "../../../src/ws/client/request-options.ts";

const requestOf = (
  address: string,
  options: ForwardedOptions & Record<string, unknown> = {},
  protocolVersion = 13,
): ReturnType<typeof upgradeRequestOptions> =>
  upgradeRequestOptions(options, {
    address: readAddress(address),
    credentials: {
      headers: { ...(options.headers as object) },
      auth: undefined,
      socketPath: options.socketPath,
    },
    key: "dGhlIHNhbXBsZSBub25jZQ==",
    protocols: ["a", "b"],
    extensions: [{ name: "permessage-deflate", params: [] }],
    protocolVersion,
  });

describe("the request of the opening handshake (RFC 6455 4.1)", () => {
  it("has the caller's headers, and then the headers of the handshake", () => {
    const { headers } = requestOf("ws://example.com", {
      headers: { Upgrade: "foo", "X-Api": "1" },
      origin: "https://example.com",
    });
    expect(headers).toEqual({
      "X-Api": "1",
      "Sec-WebSocket-Version": 13,
      "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
      Connection: "Upgrade",
      Upgrade: "websocket",
      "Sec-WebSocket-Extensions": "permessage-deflate",
      "Sec-WebSocket-Protocol": "a,b",
      Origin: "https://example.com",
    });
  });

  it("sends the origin as Sec-WebSocket-Origin in version 8", () => {
    const { headers } = requestOf("ws://example.com", { origin: "null" }, 8);
    expect(headers).toMatchObject({ "Sec-WebSocket-Version": 8, "Sec-WebSocket-Origin": "null" });
    expect(headers).not.toHaveProperty("Origin");
  });

  it("ignores options for the host, the path and the method", () => {
    const options = {
      host: "other.example",
      hostname: "other.example",
      method: "POST",
      path: "/other",
      port: 1,
      protocol: "https:",
      timeout: 1,
      family: 6,
    };
    expect(requestOf("ws://example.com:81/path?query", options)).toMatchObject({
      host: "example.com",
      hostname: undefined,
      method: "GET",
      path: "/path?query",
      port: "81",
      protocol: undefined,
      timeout: undefined,
      family: 6,
      defaultPort: 80,
    });
  });

  it("uses the option socketPath unless the URL names a Unix socket", () => {
    const options = { socketPath: "/a.sock" };
    expect(requestOf("ws://example.com", options)).toMatchObject({
      socketPath: "/a.sock",
      host: "example.com",
    });
    expect(requestOf("ws+unix:/b.sock", options)).toMatchObject({ socketPath: "/b.sock" });
  });
});
