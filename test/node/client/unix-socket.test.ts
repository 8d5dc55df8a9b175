import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ReconnectingWebSocket, WebSocket, WebSocketStream } from "tideway";
import { attach } from "tideway/server";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { outcomeOf } from "../../support/servers.ts";
import { CERT, TLS } from "../../support/certificate.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tideway-"));
  return () => rm(folder, { recursive: true });
});

/**
 * Starts a server on a Unix socket that sends back the request target. Returns the path of the
 * socket.
 */
async function serveOn(name: string, server: Server = createServer()): Promise<string> {
  const path = join(folder, name);
  const attachment = attach(server, {
    routes: {
      "ws:/*": (socket, { request }) => {
        const { host, pathname, search } = new URL(request.url);
        socket.send(`${host} ${pathname}${search}`);
      },
    },
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(async () => {
    await attachment.stop();
    await new Promise((resolve) => server.close(resolve));
  });
  return path;
}

// On Windows, Node.js listens on named pipes instead.
describe.skipIf(process.platform === "win32")("ws+unix: URLs", () => {
  it.each([
    ["", "/"],
    [":", "/"],
    [":/", "/"],
    [":/chat", "/chat"],
    [":/chat?room=1", "/chat?room=1"],
    ["?room=1", "/?room=1"],
    [":/a:b/c", "/a:b/c"],
  ])("with %j after the path of the socket request %s from localhost", async (rest, target) => {
    const path = await serveOn("a.sock");
    const socket = new WebSocket(`ws+unix:${path}${rest}`);
    expect(socket.url).toBe(`ws+unix:${path}${rest}`);
    expect((await socket.onMessage.first).data).toBe(`localhost ${target}`);
    socket.close();
    expect(await socket.onClose.first).toMatchObject({ wasClean: true });
  });

  it("may begin with http+unix: and have an empty host", async () => {
    const path = await serveOn("a.sock");
    for (const url of [`http+unix:${path}:/x`, `ws+unix://${path}:/x`]) {
      const socket = new WebSocket(url);
      expect((await socket.onMessage.first).data).toBe("localhost /x");
      socket.close();
    }
  });

  it("percent-encode the percent sign, the colon and other characters of the path", async () => {
    const path = await serveOn("a b:c%d\u{e9}?#.sock");
    const encoded = path.split("/").map(encodeURIComponent).join("/");
    const socket = new WebSocket(`ws+unix:${encoded}:/x`);
    expect((await socket.onMessage.first).data).toBe("localhost /x");
    socket.close();
  });

  it("work with WebSocketStream and ReconnectingWebSocket and send the caller's Host", async () => {
    const url = `ws+unix:${await serveOn("a.sock")}:/x`;
    const stream = new WebSocketStream(url, { headers: { host: "localhost:99" } });
    const { readable } = await stream.opened;
    const reader = readable.getReader();
    expect((await reader.read()).value).toBe("localhost:99 /x");
    stream.close();
    await reader.cancel();
    const socket = new ReconnectingWebSocket(url);
    expect((await socket.onMessage.first).data).toBe("localhost /x");
    socket.close();
    await socket.onClose.first;
  });

  it("use TLS with wss+unix: and the server name localhost", async () => {
    const url = `wss+unix:${await serveOn("a.sock", createHttpsServer(TLS))}:/x`;
    const socket = new WebSocket(url, { tls: { ca: CERT } });
    expect((await socket.onMessage.first).data).toBe("localhost /x");
    socket.close();
    const { error } = await outcomeOf(new WebSocket(url));
    expect(error).toMatchObject({ cause: { code: "DEPTH_ZERO_SELF_SIGNED_CERT" } });
  });

  it("fail if the socket does not exist", async () => {
    const { error } = await outcomeOf(new WebSocket(`ws+unix:${folder}/none.sock:/`));
    expect(error).toMatchObject({ code: "CONNECT_FAILED", cause: { code: "ENOENT" } });
  });

  it.each([
    "ws+unix:",
    "ws+unix::/path",
    "ws+unix://host/a.sock:/path",
    "ws+unix:/a.sock:path",
    "ws+unix:/a%00.sock:/path",
    "ws+unix:/a.sock:/path#fragment",
  ])("throw if they are invalid: %s", (url) => {
    expect(() => new WebSocket(url)).toThrow(expect.objectContaining({ name: "SyntaxError" }));
  });
});
