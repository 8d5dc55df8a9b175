import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { describe, expect, it, vi } from "vitest";
import { CapturedResponse } from "../../../src/node/middleware/captured-response.ts";

const makeResponse = (onEnd: () => void = () => {}): CapturedResponse =>
  new CapturedResponse(new IncomingMessage(new Socket()), onEnd);

const nextTick = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

describe("the body of a captured response", () => {
  it("has everything that was written, in order and in the encoding of each write", async () => {
    const response = makeResponse();
    response.write("c3a9", "hex");
    response.write("é");
    response.write("é", "latin1");
    response.write(new Uint8Array([1, 2]));
    response.end("AwQ=", "base64");
    const body = await response.toResponse().bytes();
    expect([...body]).toEqual([0xc3, 0xa9, 0xc3, 0xa9, 0xe9, 1, 2, 3, 4]);
  });

  it.each([undefined, null])("ends with the data written before end(%s)", async (chunk) => {
    const response = makeResponse();
    response.write("text");
    response.end(chunk);
    expect(await response.toResponse().text()).toBe("text");
  });

  it.each([204, 205, 304])("is empty in a response with status %i", (status) => {
    const response = makeResponse();
    response.statusCode = status;
    response.end("text");
    expect(response.toResponse()).toMatchObject({ status, body: null });
  });
});

describe("the callbacks of a captured response", () => {
  it.each<[string, (response: CapturedResponse, callback: () => void) => unknown]>([
    ["write(chunk, callback)", (response, callback) => response.write("a", callback)],
    [
      "write(chunk, encoding, callback)",
      (response, callback) => response.write("a", "utf8", callback),
    ],
    ["end(callback)", (response, callback) => response.end(callback)],
    ["end(chunk, callback)", (response, callback) => response.end("a", callback)],
    ["end(chunk, encoding, callback)", (response, callback) => response.end("a", "utf8", callback)],
  ])("are called once, asynchronously, by %s", async (_, call) => {
    const callback = vi.fn<() => void>();
    call(makeResponse(), callback);
    expect(callback).not.toHaveBeenCalled();
    await nextTick();
    expect(callback).toHaveBeenCalledOnce();
  });

  it("report the end at once and emit finish and then close afterwards", async () => {
    const calls: string[] = [];
    const response = makeResponse(() => calls.push("onEnd"));
    response.on("finish", () => calls.push("finish"));
    response.on("close", () => calls.push("close"));
    response.end(() => calls.push("callback"));
    expect(calls).toEqual(["onEnd"]);
    expect(response.finished).toBe(true);
    await nextTick();
    expect(calls).toEqual(["onEnd", "callback", "finish", "close"]);
  });

  it("report the end once, however often end is called", async () => {
    const onEnd = vi.fn<() => void>();
    const response = makeResponse(onEnd);
    response.end("first");
    response.end("second");
    expect(onEnd).toHaveBeenCalledOnce();
    expect(await response.toResponse().text()).toBe("first");
  });
});

describe("the head of a captured response", () => {
  it.each<[string, (response: CapturedResponse) => unknown]>([
    ["a record", (response) => response.writeHead(418, { "X-A": "1", "X-B": ["2", "3"] })],
    [
      "a record after a reason",
      (response) => response.writeHead(418, "No", { "X-A": "1", "X-B": ["2", "3"] }),
    ],
    ["a list", (response) => response.writeHead(418, ["X-A", "1", "X-B", ["2", "3"]] as string[])],
  ])("accepts fields as %s", (_, writeHead) => {
    const response = makeResponse();
    writeHead(response);
    response.end();
    expect(response.fields).toEqual([
      ["x-a", "1"],
      ["x-b", "2"],
      ["x-b", "3"],
    ]);
    const { status, headers } = response.toResponse();
    expect(status).toBe(418);
    expect([...headers]).toEqual([
      ["x-a", "1"],
      ["x-b", "2, 3"],
    ]);
  });

  it("keeps fields that were set before and adds none by default", () => {
    const response = makeResponse();
    response.setHeader("Set-Cookie", ["a=1", "b=2"]);
    response.end("text");
    expect(response.fields).toEqual([
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
    ]);
  });

  it("omits fields of the connection and of the handshake", () => {
    const response = makeResponse();
    response.setHeader("Connection", "close");
    response.setHeader("Sec-WebSocket-Accept", "x");
    response.setHeader("X-A", 1);
    expect(response.fields).toEqual([["x-a", "1"]]);
  });

  it.each<[string, (response: CapturedResponse) => unknown]>([
    ["flushHeaders", (response) => response.flushHeaders()],
    ["write", (response) => response.write("a")],
    ["end", (response) => response.end()],
  ])("is sent by %s, after which a field cannot be set", (_, call) => {
    const response = makeResponse();
    call(response);
    expect(response.headersSent).toBe(true);
    expect(() => response.setHeader("X-A", "1")).toThrow(
      expect.objectContaining({ code: "ERR_HTTP_HEADERS_SENT" }),
    );
  });
});
