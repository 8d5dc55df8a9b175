import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { WebSocketServer } from "ws";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { type ClientOptions, WebSocket } from "../../../src/ws/index.ts";
import { CERT, TLS } from "../../support/certificate.ts";
import { recordServerNames, serveSecurely, serveWs } from "../../support/servers.ts";

/** Connects, and returns the socket and the first message. */
async function firstMessage(
  url: string,
  options: ClientOptions = {},
): Promise<{ socket: WebSocket; message: string }> {
  const socket = new WebSocket(url, options);
  onTestFinished(() => socket.terminate());
  const [data] = await once(socket, "message");
  return { socket, message: String(data) };
}

describe("over TLS", () => {
  it("the client checks the certificate with the options of tls.connect", async () => {
    const url = await serveSecurely();
    expect(await firstMessage(url, { ca: CERT })).toMatchObject({ message: "secure" });
    const untrusting = new WebSocket(url);
    const [error] = await once(untrusting, "error");
    expect(error).toMatchObject({ code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
  });

  it("the client sends a host name, but not an IP address, as the server name (RFC 6066 3)", async () => {
    const { url, names } = await recordServerNames();
    await firstMessage(url, { ca: CERT });
    const byAddress = url.replace("localhost", "127.0.0.1");
    await firstMessage(byAddress, { rejectUnauthorized: false });
    await firstMessage(url, { ca: CERT, servername: "" });
    expect(names).toEqual(["localhost", false, false]);
  });

  it("the client sends the server name without a trailing dot (RFC 6066 3)", async () => {
    const { url, names } = await recordServerNames();
    await firstMessage(url.replace("localhost", "localhost."), {
      ca: CERT,
      family: 4,
      lookup: (_host, _options, callback) => callback(null, "127.0.0.1", 4),
    });
    expect(names).toEqual(["localhost"]);
  });

  it("the client presents its certificate", async () => {
    const authorized = vi.fn();
    const url = await serveSecurely({ requestCert: true, ca: CERT }, (peer) => {
      authorized((peer as unknown as { _socket: TLSSocket })._socket.authorized);
      peer.send("secure");
    });
    await firstMessage(url, { ca: CERT, ...TLS });
    expect(authorized).toHaveBeenCalledWith(true);
  });
});

describe("over TCP", () => {
  it("the client resolves the host with lookup", async () => {
    const { port } = new URL(await serveWs((peer) => peer.send("hello")));
    const { message } = await firstMessage(`ws://example.test:${port}`, {
      family: 4,
      lookup: (_host, _options, callback) => {
        callback(null, "127.0.0.1", 4);
      },
    });
    expect(message).toBe("hello");
  });
});

// On Windows, Node.js listens on named pipes instead.
describe.skipIf(process.platform === "win32")("over a Unix socket", () => {
  let path: string;

  beforeEach(async () => {
    const folder = await mkdtemp(join(tmpdir(), "tideway-"));
    path = join(folder, "a b.sock");
    return () => rm(folder, { recursive: true });
  });

  /** Starts a server at `path`. Returns the hosts and targets of its requests. */
  const serveAtPath = async (http: Server = createServer()): Promise<string[]> => {
    const targets: string[] = [];
    const server = new WebSocketServer({ server: http });
    server.on("connection", (_peer, { headers, url }) => targets.push(`${headers.host} ${url}`));
    await new Promise<void>((resolve) => http.listen(path, resolve));
    onTestFinished(() => {
      for (const peer of server.clients) peer.terminate();
      http.close();
    });
    return targets;
  };

  /** Connects, and waits until the socket is open. */
  const open = async (url: string, options: ClientOptions): Promise<void> => {
    const socket = new WebSocket(url, options);
    onTestFinished(() => socket.terminate());
    await once(socket, "open");
  };

  it("the client connects with ws+unix:", async () => {
    const targets = await serveAtPath();
    await open(`ws+unix:${path}:/path?query`, {});
    expect(targets).toEqual(["localhost /path?query"]);
  });

  it("the client uses TLS with wss+unix:", async () => {
    const targets = await serveAtPath(createHttpsServer(TLS));
    await open(`wss+unix:${path}`, { ca: CERT });
    expect(targets).toEqual(["localhost /"]);
  });

  it("the client connects to the path of the option socketPath", async () => {
    const targets = await serveAtPath();
    await open("ws://example.test/path", { socketPath: path });
    expect(targets).toEqual(["example.test /path"]);
  });
});
