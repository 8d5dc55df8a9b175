import { EventEmitter } from "node:events";
import type { Server } from "node:http";
import { PassThrough } from "node:stream";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { refuseClientErrors } from "../../../src/node/http/client-error.ts";
import type { Http1Listener } from "../../../src/node/http/http1-listener.ts";
import type { HttpRefusal } from "../../../src/protocol/handshake/index.ts";

const refuseGarbage = vi.fn<(socket: unknown, refusal: HttpRefusal) => void>();
const refuseConnect = vi.fn<(request: unknown, socket: unknown) => void>();

let httpServer: EventEmitter;
let socket: PassThrough;

beforeEach(() => {
  refuseGarbage.mockReset();
  refuseConnect.mockReset();
  httpServer = new EventEmitter();
  socket = new PassThrough();
  refuseClientErrors(
    httpServer as Server,
    { refuseGarbage, refuseConnect } as unknown as Http1Listener,
  );
});

/** Emits the error of a parser or of a timeout. */
function fail(code: string, bytes = "GARBAGE\r\n"): void {
  const error = Object.assign(new Error("parse"), {
    code,
    rawPacket: Buffer.from(bytes, "latin1"),
  });
  httpServer.emit("clientError", error, socket);
}

describe("a clientError", () => {
  it.each([
    ["HPE_INVALID_METHOD", 400, /malformed/],
    ["HPE_HEADER_OVERFLOW", 431, /head .* too large/],
    ["HPE_CHUNK_EXTENSIONS_OVERFLOW", 413, /chunk extensions/],
    ["ERR_HTTP_REQUEST_TIMEOUT", 408, /in time/],
    ["an unknown code", 400, /malformed/],
  ])("%s is answered with %i", (code, status, message) => {
    fail(code);
    expect(refuseGarbage).toHaveBeenCalledExactlyOnceWith(
      socket,
      expect.objectContaining({ status, message: expect.stringMatching(message) }),
    );
    expect(socket.destroyed).toBe(false);
  });

  it("gets a response that names handshakeTimeoutMs if it is a timeout", () => {
    fail("ERR_HTTP_REQUEST_TIMEOUT");
    expect(refuseGarbage.mock.calls[0][1]).toMatchObject({ option: "handshakeTimeoutMs" });
  });

  it("gets a response that names TLS if the bytes are a ClientHello (RFC 8446 5.1)", () => {
    fail("HPE_INVALID_METHOD", "\x16\x03\x01\x02\0");
    expect(refuseGarbage.mock.calls[0][1]).toMatchObject({
      status: 400,
      message: expect.stringContaining("TLS"),
    });
  });

  it("is answered once per socket, although the parser fails again with each chunk", () => {
    fail("HPE_INVALID_METHOD");
    fail("HPE_INVALID_METHOD");
    expect(refuseGarbage).toHaveBeenCalledOnce();
  });

  it("destroys a socket that was reset or can no longer be written", () => {
    fail("ECONNRESET");
    expect(socket.destroyed).toBe(true);
    socket = new PassThrough().end();
    fail("HPE_INVALID_METHOD");
    expect(socket.destroyed).toBe(true);
    expect(refuseGarbage).not.toHaveBeenCalled();
  });
});

it("a tlsClientError destroys the socket before other listeners run", () => {
  const wasDestroyed: boolean[] = [];
  httpServer = new EventEmitter();
  httpServer.on("tlsClientError", () => wasDestroyed.push(socket.destroyed));
  refuseClientErrors(httpServer as Server, {} as Http1Listener);
  httpServer.emit("tlsClientError", new Error("TLS"), socket);
  expect(wasDestroyed).toEqual([true]);
});

it("CONNECT is refused, and a later error of the socket destroys it", async () => {
  const request = {};
  httpServer.emit("connect", request, socket);
  expect(refuseConnect).toHaveBeenCalledExactlyOnceWith(request, socket);
  socket.emit("error", new Error("reset"));
  expect(socket.destroyed).toBe(true);
});
