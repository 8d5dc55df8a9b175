import { UnexpectedStatusError } from "tideway";
import { describe, expect, it } from "vitest";
import { outcomeOf, serveBytes, WebSocket, WebSocketStream } from "../../support/servers.ts";

/** The error of a client when the server sends `response`. */
async function errorOf(response: string, isEnd = false): Promise<UnexpectedStatusError> {
  const url = await serveBytes((socket) => {
    socket.write(response, "latin1");
    if (isEnd) socket.end();
  });
  const { error } = await outcomeOf(new WebSocket(url));
  expect(error).toBeInstanceOf(UnexpectedStatusError);
  return error as UnexpectedStatusError;
}

describe("a handshake that the server refuses", () => {
  it("has the header fields of the response in its error", async () => {
    const { status, headers } = await errorOf(
      "HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\nContent-Length: 0\r\n\r\n",
    );
    expect(status).toBe(429);
    expect(headers.get("Retry-After")).toBe("7");
    expect(headers.get("retry-after")).toBe("7");
    expect(headers.get("age")).toBeNull();
    expect([...headers].filter(([name]) => name === "Set-Cookie")).toEqual([
      ["Set-Cookie", "a=b"],
      ["Set-Cookie", "c=d"],
    ]);
  });

  it.each([
    ["with a content-length", "Content-Length: 10\r\n\r\nlog in: \u{c3}\u{a9}", false],
    [
      "in chunks",
      "Transfer-Encoding: chunked\r\n\r\n4\r\nlog \r\n6\r\nin: \u{c3}\u{a9}\r\n0\r\n\r\n",
      false,
    ],
    ["until the end of the connection", "\r\nlog in: \u{c3}\u{a9}", true],
  ])("has the body of the response in its error, %s", async (_, rest, isEnd) => {
    const { body } = await errorOf(`HTTP/1.1 401 Unauthorized\r\n${rest}`, isEnd);
    expect(body).toBe("log in: \u{e9}");
  });

  it("has a body that arrives after the head, in several parts", async () => {
    const parts = ["HTTP/1.1 401 No\r\nContent-Length: 6\r\n\r\n", "log", " in"];
    const url = await serveBytes((socket) => {
      const next = (): void => {
        const part = parts.shift();
        if (part !== undefined) socket.write(part, () => setImmediate(next));
      };
      next();
    });
    const { error } = await outcomeOf(new WebSocket(url));
    expect(error).toMatchObject({ status: 401, body: "log in" });
  });

  it("has at most 4,096 bytes of the body, without a partial character", async () => {
    const text = Buffer.from("\u{20ac}".repeat(2000)).toString("latin1");
    const { body } = await errorOf(`HTTP/1.1 500 No\r\n\r\n${text}`);
    expect(body).toBe("\u{20ac}".repeat(1365));
  });

  it("has the received part of the body if the rest never arrives", async () => {
    const { body } = await errorOf("HTTP/1.1 503 No\r\nContent-Length: 100\r\n\r\ntry lat");
    expect(body).toBe("try lat");
  });

  it("has the received part of the body if the connection is lost", async () => {
    const { status, body } = await errorOf(
      "HTTP/1.1 403 No\r\nContent-Length: 100\r\n\r\nno",
      true,
    );
    expect([status, body]).toEqual([403, "no"]);
  });

  it("can be aborted while the body is pending", async () => {
    let refused!: () => void;
    const isRefused = new Promise<void>((resolve) => (refused = resolve));
    const url = await serveBytes((socket) => {
      socket.write("HTTP/1.1 403 No\r\nContent-Length: 100\r\n\r\nno", "latin1", refused);
    });
    const socket = new WebSocket(url);
    await isRefused;
    socket.close();
    expect(await outcomeOf(socket)).toMatchObject({ error: { code: "ABORTED" }, code: 1006 });
  });

  it("is the cause of the rejection of a WebSocketStream", async () => {
    const url = await serveBytes((socket) => {
      socket.write("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno");
    });
    await expect(new WebSocketStream(url).opened).rejects.toMatchObject({
      cause: { status: 403, body: "no" },
    });
  });
});
