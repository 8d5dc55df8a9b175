import { type EventEmitter, once } from "node:events";
import { Agent, type ClientRequest, type ClientRequestArgs, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { connect, type Socket } from "node:net";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { type ClientOptions, WebSocket } from "../../../src/ws/index.ts";
import { acceptance, deferred, serveBytes, serveWs } from "../../support/servers.ts";
import { uncaughtErrorsOf } from "../../support/uncaught-errors.ts";

const CLOSED_EARLY = "WebSocket was closed before the connection was established";

/** Opens a WebSocket, and records its events. It is destroyed at the end of the test. */
function openSocket(
  url: string,
  options: ClientOptions = {},
  protocols: string[] = [],
): { socket: WebSocket; events: string[] } {
  const socket = new WebSocket(url, protocols, options);
  const events: string[] = [];
  for (const name of ["open", "upgrade", "redirect"]) {
    socket.on(name, () => events.push(name));
  }
  socket.on("error", ({ message }) => events.push(`error: ${message}`));
  socket.on("close", (code: number) => events.push(`close ${code}`));
  onTestFinished(() => socket.terminate());
  return { socket, events };
}

/** Waits for the end of a handshake that fails. Returns the events. */
async function failedEvents(opened: ReturnType<typeof openSocket>): Promise<string[]> {
  await closeOf(opened.socket);
  expect(opened.socket.readyState).toBe(WebSocket.CLOSED);
  return opened.events;
}

const closeOf = (socket: EventEmitter): Promise<unknown> =>
  new Promise((resolve) => socket.once("close", resolve));

/** A server that answers each request with the next of `responses`. */
async function serveResponses(...responses: string[]): Promise<string> {
  return await serveBytes((socket) => socket.end(`${responses.shift()}\r\n\r\n`));
}

const redirectTo = (location: string): string =>
  `HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 0`;

describe("the opening handshake", () => {
  it("opens the socket with the subprotocol and the extensions of the response", async () => {
    const url = await serveWs((peer) => peer.send("hello"), { perMessageDeflate: true });
    const { socket, events } = openSocket(url, {}, ["b", "a"]);
    expect([socket.url, socket.readyState]).toEqual([url, WebSocket.CONNECTING]);
    const [data] = await once(socket, "message");
    expect(String(data)).toBe("hello");
    expect(events).toEqual(["upgrade", "open"]);
    expect([socket.protocol, socket.extensions]).toEqual(["b", "permessage-deflate"]);
    expect(socket._req).toBe(null);
  });

  it("offers the subprotocols in the options", async () => {
    const url = await serveWs(() => {});
    const socket = new WebSocket(url, { protocols: ["b", "a"] });
    onTestFinished(() => socket.terminate());
    await once(socket, "open");
    expect(socket.protocol).toBe("b");
  });

  it("needs no headers, which may be null in JavaScript", async () => {
    const url = await serveWs((peer) => peer.send("hello"));
    const { socket } = openSocket(url, { headers: null } as object);
    expect(String((await once(socket, "message"))[0])).toBe("hello");
  });

  it.each(["client", "server"])(
    "is followed by an end of the client if the %s starts the closing handshake",
    async (closer) => {
      const { promise: ended, resolve: onEnd } = deferred<void>();
      const url = await serveBytes((peer, request) => {
        const close = Buffer.of(0x88, 2, 0x03, 0xe8);
        peer.on("end", onEnd);
        peer.write(acceptance(request));
        if (closer === "server") peer.write(close);
        else peer.once("data", () => peer.write(close));
      });
      const { socket, events } = openSocket(url);
      if (closer === "client") socket.on("open", () => socket.close());
      // The server waits for the end, and only then closes the connection.
      await ended;
      await closeOf(socket);
      expect(events).toEqual(["upgrade", "open", "close 1000"]);
    },
  );

  it("passes messages that arrive together with the response to listeners that are added after `await`", async () => {
    const url = await serveBytes((peer, request) => {
      peer.write(`${acceptance(request)}\x81\x05early`, "latin1");
    });
    const { socket } = openSocket(url);
    await once(socket, "open");
    const [data] = await once(socket, "message");
    expect(String(data)).toBe("early");
  });

  it("emits the response with its headers before it opens the socket", async () => {
    const url = await serveBytes((peer, request) => {
      peer.write(acceptance(request, "Set-Cookie: a=b\r\n"));
    });
    const [response] = (await once(openSocket(url).socket, "upgrade")) as [IncomingMessage];
    expect(response.headers["set-cookie"]).toEqual(["a=b"]);
  });

  it("fails with the error of the connection", async () => {
    const url = await serveBytes((peer) => peer.destroy());
    expect(await failedEvents(openSocket(url))).toEqual(["error: socket hang up", "close 1006"]);
  });

  it("fails if the response is not HTTP", async () => {
    const url = await serveBytes((peer) => void peer.write("SSH-2.0-OpenSSH\r\n"));
    const { socket } = openSocket(url);
    const [error] = await once(socket, "error");
    expect(error).toMatchObject({ code: "HPE_INVALID_CONSTANT" });
  });

  it("fails with the status of a response that refuses it", async () => {
    const url = await serveResponses("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0");
    const opened = openSocket(url);
    const [error] = await once(opened.socket, "error");
    expect(error).toMatchObject({ code: "UNEXPECTED_STATUS", statusCode: 401 });
    expect(opened.events).toEqual(["error: Unexpected server response: 401", "close 1006"]);
  });

  it("leaves the refusal to listeners of unexpected-response", async () => {
    const url = await serveResponses("HTTP/1.1 401 Unauthorized\r\nContent-Length: 3\r\n\r\nfoo");
    const { socket, events } = openSocket(url);
    const [request, response] = (await once(socket, "unexpected-response")) as [
      ClientRequest,
      IncomingMessage,
    ];
    expect(request).toBe(socket._req);
    const body = await response.toArray();
    expect([response.statusCode, Buffer.concat(body).toString()]).toEqual([401, "foo"]);
    expect(events).toEqual([]);
    socket.close();
    await closeOf(socket);
    expect(events).toEqual([`error: ${CLOSED_EARLY}`, "close 1006"]);
  });

  it("closes the connection when a listener has read a refusal with Connection: keep-alive", async () => {
    const peerClosed = deferred<unknown>();
    const url = await serveBytes((peer) => {
      peer.once("close", peerClosed.resolve);
      peer.write("HTTP/1.1 503 x\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n");
    });
    const { socket } = openSocket(url);
    socket.on("unexpected-response", (_request, response) => response.resume());
    await expect(peerClosed.promise).resolves.toBe(false);
  });

  it("throws what the request throws, for example for an agent of the wrong kind", () => {
    const agent = new HttpsAgent();
    expect(() => new WebSocket("ws://localhost", { agent })).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_PROTOCOL" }),
    );
    expect(() => new WebSocket("ws://localhost", { headers: { a: "b\r\nc: d" } })).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_CHAR" }),
    );
  });

  it("throws for invalid arguments before it connects", () => {
    const createConnection = vi.fn();
    expect(() => new WebSocket("foo", { createConnection })).toThrow(SyntaxError);
    expect(() => new WebSocket("ws://localhost", "a b", { createConnection })).toThrow(SyntaxError);
    expect(createConnection).not.toHaveBeenCalled();
  });

  it("sends the request when finishRequest ends it", async () => {
    const cookie = deferred<unknown>();
    const url = await serveWs(() => {}, {
      verifyClient: ({ req }: { req: IncomingMessage }) => (
        cookie.resolve(req.headers.cookie),
        true
      ),
    });
    const finished = vi.fn((request: ClientRequest, socket: WebSocket) => {
      expect(request).toBe(socket._req);
      request.setHeader("Cookie", "a=b");
      request.end();
    });
    const { events, socket } = openSocket(url, { finishRequest: finished });
    expect(await cookie.promise).toBe("a=b");
    await once(socket, "open");
    expect(finished).toHaveBeenCalledWith(expect.anything(), socket);
    expect(events).toEqual(["upgrade", "open"]);
  });

  it("throws what finishRequest throws, and destroys the request", async () => {
    const url = await serveWs(() => {});
    let request: ClientRequest | undefined;
    const finishRequest = (made: ClientRequest): never => {
      request = made;
      throw new Error("no header");
    };
    const errors = await uncaughtErrorsOf(() => {
      expect(() => new WebSocket(url, { finishRequest })).toThrow("no header");
    });
    expect(errors).toEqual([]);
    expect(request!.destroyed).toBe(true);
  });
});

describe("handshakeTimeout", () => {
  it("ends a handshake without a response", async () => {
    const url = await serveBytes(() => {});
    const opened = openSocket(url, { handshakeTimeout: 1 });
    expect(await failedEvents(opened)).toEqual([
      "error: Opening handshake has timed out",
      "close 1006",
    ]);
  });

  it("ends a handshake if its response arrives too slowly", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const connected = deferred<Socket>();
    const url = await serveBytes(connected.resolve);
    const opened = openSocket(url, { handshakeTimeout: 1000 });
    const closed = closeOf(opened.socket);
    const peer = await connected.promise;
    // Each byte would restart a timeout for an inactive connection.
    const arrived = once(opened.socket._req!.socket!, "data");
    vi.advanceTimersByTime(999);
    peer.write("H");
    await arrived;
    vi.advanceTimersByTime(1);
    await closed;
    expect(opened.events[0]).toBe("error: Opening handshake has timed out");
  });

  it("has no effect after the handshake", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const url = await serveWs(() => {});
    const { socket } = openSocket(url, { handshakeTimeout: 1000 });
    await once(socket, "open");
    vi.advanceTimersByTime(10_000);
    expect(socket.readyState).toBe(WebSocket.OPEN);
  });
});

describe.each(["close", "terminate"] as const)("%s during the handshake", (method) => {
  it("fails the handshake in a later tick, and closes the connection", async () => {
    const url = await serveBytes(() => {});
    const opened = openSocket(url);
    opened.socket[method]();
    expect(opened.events).toEqual([]);
    expect(opened.socket.readyState).toBe(WebSocket.CLOSING);
    opened.socket[method]();
    expect(await failedEvents(opened)).toEqual([`error: ${CLOSED_EARLY}`, "close 1006"]);
  });

  it("works before the connection is open", async () => {
    const opened = openSocket("ws://localhost", { lookup: () => {} });
    opened.socket[method]();
    expect(await failedEvents(opened)).toEqual([`error: ${CLOSED_EARLY}`, "close 1006"]);
  });

  it.each(["upgrade", "redirect", "unexpected-response"])(
    "works in a listener of %s",
    async (event) => {
      const peerClosed = deferred<unknown>();
      const url = await serveBytes((peer, request) => {
        peer.once("close", peerClosed.resolve);
        if (event === "upgrade") peer.write(acceptance(request));
        else peer.write(`${redirectTo("/again")}\r\n\r\n`);
      });
      const opened = openSocket(url, { followRedirects: event === "redirect" });
      opened.socket.on(event, () => opened.socket[method]());
      await closeOf(opened.socket);
      expect(opened.events.slice(-2)).toEqual([`error: ${CLOSED_EARLY}`, "close 1006"]);
      expect(opened.events).not.toContain("open");
      await peerClosed.promise;
    },
  );

  it("works in finishRequest", async () => {
    const url = await serveBytes(() => {});
    const { socket, events } = openSocket(url, {
      finishRequest: (_request, webSocket) => webSocket[method](),
    });
    await closeOf(socket);
    expect(events).toEqual([`error: ${CLOSED_EARLY}`, "close 1006"]);
  });
});

describe("redirects", () => {
  it("are not followed by default", async () => {
    const url = await serveResponses(redirectTo("/again"));
    const opened = openSocket(url);
    expect(await failedEvents(opened)).toEqual([
      "error: Unexpected server response: 302",
      "close 1006",
    ]);
    expect(opened.socket._redirects).toBe(0);
  });

  it("are followed with followRedirects", async () => {
    const target = await serveWs((peer) => peer.send("hello"));
    const url = await serveResponses(redirectTo("/again?a"), redirectTo(target));
    const { socket, events } = openSocket(url, { followRedirects: true });
    const seen: string[] = [];
    socket.on("redirect", (location: string, request: ClientRequest) => {
      expect(request).toBe(socket._req);
      seen.push(location, request.path);
    });
    await once(socket, "message");
    expect(seen).toEqual([`${url}again?a`, "/again?a", target, "/"]);
    expect(events).toEqual(["redirect", "redirect", "upgrade", "open"]);
    expect([socket.url, socket._redirects]).toEqual([target, 2]);
  });

  it("fail above maxRedirects", async () => {
    const url = await serveResponses(redirectTo("/1"), redirectTo("/2"));
    const opened = openSocket(url, { followRedirects: true, maxRedirects: 1 });
    expect(await failedEvents(opened)).toEqual([
      "redirect",
      "error: Maximum redirects exceeded",
      "close 1006",
    ]);
    expect(opened.socket._redirects).toBe(2);
  });

  it("need a Location header that is not empty", async () => {
    const url = await serveResponses(redirectTo(""));
    const { socket } = openSocket(url, { followRedirects: true });
    const [error] = await once(socket, "error");
    expect(error).toMatchObject({ code: "UNEXPECTED_STATUS" });
  });

  it.each(["ws://", "ftp://localhost", "ws://localhost/#a", "ws://localhost:99999"])(
    "to %s fail with a SyntaxError",
    async (location) => {
      const url = await serveResponses(redirectTo(location));
      const { socket } = openSocket(url, { followRedirects: true });
      const [error] = await once(socket, "error");
      expect(error).toBeInstanceOf(SyntaxError);
    },
  );

  it("that the agent cannot follow fail with an error event", async () => {
    const url = await serveResponses(redirectTo("wss://localhost/"));
    const errors = await uncaughtErrorsOf(async () => {
      const opened = openSocket(url, { followRedirects: true, agent: new Agent() });
      await closeOf(opened.socket);
      expect(opened.events[0]).toContain('error: Protocol "https:" not supported');
    });
    expect(errors).toEqual([]);
  });

  it("fail with the error that finishRequest throws", async () => {
    const url = await serveResponses(redirectTo("/again"));
    const opened = openSocket(url, {
      followRedirects: true,
      finishRequest(request, { _redirects }) {
        if (_redirects > 0) throw new Error("no header");
        request.end();
      },
    });
    expect(await failedEvents(opened)).toContain("error: no header");
  });

  it("carry credentials to the same host only", async () => {
    const received: unknown[] = [];
    const target = await serveWs(() => {}, {
      verifyClient({ req: { headers } }: { req: IncomingMessage }) {
        received.push(headers.authorization, headers.cookie);
        return true;
      },
    });
    const responses = [redirectTo("/again"), redirectTo(target)];
    const url = await serveBytes((peer, request) => {
      received.push(/^authorization: (.*)\r$/im.exec(request)![1]);
      peer.end(`${responses.shift()}\r\n\r\n`);
    });
    const socket = new WebSocket(url, {
      auth: "user:password",
      followRedirects: true,
      headers: { Cookie: "a=b" },
    });
    onTestFinished(() => socket.terminate());
    await once(socket, "open");
    const basic = `Basic ${Buffer.from("user:password").toString("base64")}`;
    expect(received).toEqual([basic, basic, undefined, undefined]);
  });

  it("keep all headers if there is a listener of redirect, which may remove some", async () => {
    const received = deferred<IncomingMessage["headers"]>();
    const target = await serveWs(() => {}, {
      verifyClient: ({ req }: { req: IncomingMessage }) => (received.resolve(req.headers), true),
    });
    const url = await serveResponses(redirectTo(target));
    const socket = new WebSocket(url, {
      followRedirects: true,
      headers: { Authorization: "Bearer token", Cookie: "a=b" },
    });
    socket.on("redirect", (_url, request) => request.removeHeader("cookie"));
    await once(socket, "open");
    socket.terminate();
    const { authorization, cookie } = await received.promise;
    expect([authorization, cookie]).toEqual(["Bearer token", undefined]);
  });
});

describe("an answer that is not valid", () => {
  it("fails the handshake, and closes the connection", async () => {
    const peerClosed = deferred<unknown>();
    const url = await serveBytes((peer, request) => {
      peer.once("close", peerClosed.resolve);
      peer.write(acceptance(request, "Sec-WebSocket-Protocol: a\r\n"));
    });
    expect(await failedEvents(openSocket(url))).toEqual([
      "upgrade",
      "error: Server sent a subprotocol but none was requested",
      "close 1006",
    ]);
    await peerClosed.promise;
  });

  it("is detected even if maxHeadersCount of the request hides a header", async () => {
    const url = await serveBytes((peer, request) => {
      peer.write(acceptance(request).replace("Upgrade:", "X: y\r\nUpgrade:"));
    });
    const opened = openSocket(url);
    opened.socket._req!.maxHeadersCount = 1;
    expect(await failedEvents(opened)).toContain("error: Invalid Upgrade header");
  });
});

describe("options of http.request", () => {
  it("include createConnection, which creates the connection", async () => {
    const url = await serveWs(() => {});
    const { port } = new URL(url);
    let options: { host?: unknown; port?: unknown } = {};
    const { socket } = openSocket("ws://example.com:22/path", {
      createConnection(given: ClientRequestArgs) {
        options = given;
        return connect(Number(port), "127.0.0.1");
      },
    });
    await once(socket, "open");
    expect(options).toMatchObject({ host: "example.com", port: "22" });
  });

  it("include agent, which gets the request", () => {
    const agent = new Agent();
    const addRequest = vi.fn();
    Object.assign(agent, { addRequest });
    const { socket } = openSocket("ws://localhost/a", { agent });
    expect(addRequest).toHaveBeenCalledWith(socket._req, expect.anything());
  });

  it("include signal, which ends the handshake when it aborts", async () => {
    const controller = new AbortController();
    const url = await serveBytes(() => controller.abort());
    const [error] = await once(openSocket(url, { signal: controller.signal }).socket, "error");
    expect(error).toMatchObject({ name: "AbortError" });
  });
});
