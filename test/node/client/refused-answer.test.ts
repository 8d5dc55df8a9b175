import { UnexpectedStatusError } from "tideway";
import { describe, expect, it } from "vitest";
import { outcomeOf, serveBytes, WebSocket, WebSocketStream } from "../../support/servers.ts";

/** The error of a client whose server answers with `response`. */
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
  it("gives the header fields of the answer", async () => {
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
    ["of its content-length", "Content-Length: 10\r\n\r\nlog in: \u{c3}\u{a9}", false],
    [
      "in chunks",
      "Transfer-Encoding: chunked\r\n\r\n4\r\nlog \r\n6\r\nin: \u{c3}\u{a9}\r\n0\r\n\r\n",
      false,
    ],
    ["until the connection ends", "\r\nlog in: \u{c3}\u{a9}", true],
  ])("gives a body %s", async (_, rest, isEnd) => {
    const { body } = await errorOf(`HTTP/1.1 401 Unauthorized\r\n${rest}`, isEnd);
    expect(body).toBe("log in: \u{e9}");
  });

  it("gives no more than 4,096 bytes of the body, and no part of a character", async () => {
    const text = Buffer.from("\u{20ac}".repeat(2000)).toString("latin1");
    const { body } = await errorOf(`HTTP/1.1 500 No\r\n\r\n${text}`);
    expect(body).toBe("\u{20ac}".repeat(1365));
  });

  it("gives the part of the body that arrived when the rest never comes", async () => {
    const { body } = await errorOf("HTTP/1.1 503 No\r\nContent-Length: 100\r\n\r\ntry lat");
    expect(body).toBe("try lat");
  });

  it("gives the part of the body that arrived before the connection was lost", async () => {
    const { status, body } = await errorOf(
      "HTTP/1.1 403 No\r\nContent-Length: 100\r\n\r\nno",
      true,
    );
    expect([status, body]).toEqual([403, "no"]);
  });

  it("can be aborted while the body is awaited", async () => {
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

  it("is the cause of a WebSocketStream's rejection", async () => {
    const url = await serveBytes((socket) => {
      socket.write("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno");
    });
    await expect(new WebSocketStream(url).opened).rejects.toMatchObject({
      cause: { status: 403, body: "no" },
    });
  });
});
