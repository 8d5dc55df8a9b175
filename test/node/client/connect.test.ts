import { getEventListeners } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { Socket as NetSocket } from "node:net";
import { HandshakeError } from "tideway";
import { describe, expect, it } from "vitest";
import { uncaughtErrorsOf } from "../../support/uncaught-errors.ts";
import { transport } from "../../suite/transports.ts";
import {
  acceptance,
  deferred,
  echo,
  outcomeOf,
  ReconnectingWebSocket,
  reset,
  serveBytes,
  serveWs,
  WebSocket,
} from "../../support/servers.ts";

const bytesOf = (length: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length }, (_, i) => i * 31);

describe("messages over a connection", () => {
  it.each([0, 1, 125, 126, ...(transport.isFast ? [65_535, 65_536, 1_000_000] : [1000])])(
    "are echoed with %d bytes of every kind",
    async (length) => {
      const socket = new WebSocket(await echo());
      socket.binaryType = "arraybuffer";
      await socket.onOpen.first;
      const messages = socket.onMessage[Symbol.asyncIterator]();
      const bytes = bytesOf(length);
      const text = "x".repeat(length);
      socket.send(bytes);
      socket.send(text);
      socket.send(new Blob([bytes]));
      socket.send(bytes.buffer);
      const received: unknown[] = [];
      for (let i = 0; i < 4; i++) received.push((await messages.next()).value!.data);
      expect(received).toEqual([bytes.buffer, text, bytes.buffer, bytes.buffer]);
      socket.close();
      expect(await outcomeOf(socket)).toMatchObject({ code: 1005, wasClean: true });
    },
  );

  it("arrive as Blobs by default, and text of any script arrives unchanged", async () => {
    const socket = new WebSocket(await echo());
    await socket.onOpen.first;
    const messages = socket.onMessage[Symbol.asyncIterator]();
    socket.send(bytesOf(300));
    socket.send("\u{FEFF}d\u{e9}j\u{e0} \u{4f60}\u{597d} \u{1F30A} \u{D800}");
    const blob = (await messages.next()).value!.data as Blob;
    expect(new Uint8Array(await blob.arrayBuffer())).toEqual(bytesOf(300));
    expect((await messages.next()).value!.data).toBe(
      "\u{FEFF}d\u{e9}j\u{e0} \u{4f60}\u{597d} \u{1F30A} \u{FFFD}",
    );
    socket.close();
    await socket.onClose.first;
  });

  it("that arrive with the handshake response reach listeners added after the open event", async () => {
    const url = await serveBytes((socket, request) => {
      socket.end(`${acceptance(request)}\x81\x05early\x88\x02\x03\xe8`, "latin1");
    });
    const socket = new WebSocket(url);
    await socket.onOpen.first;
    for (let i = 0; i < 20; i++) await Promise.resolve();
    const observed: unknown[] = [];
    for await (const { data } of socket.onMessage) observed.push(data);
    expect(observed).toEqual(["early"]);
    expect(socket.readyState).toBe(3);
  });

  it("above maxMessageBytes fail the connection", async () => {
    const url = await serveWs((socket) => {
      socket.on("error", () => {});
      socket.send(bytesOf(11));
    });
    const outcome = await outcomeOf(new WebSocket(url, { maxMessageBytes: 10 }));
    expect(outcome).toMatchObject({
      code: 1006,
      wasClean: false,
      events: ["open", "error", "close"],
    });
    expect(outcome.error).toMatchObject({ closeCode: 1009 });
  });
});

describe("at the end of a connection,", () => {
  it.each([
    [[], 1005, ""],
    [[1000], 1000, ""],
    [[1000, "done"], 1000, "done"],
    [[3000, "\u{20AC}".repeat(41)], 3000, "\u{20AC}".repeat(41)],
    [[4999, ""], 4999, ""],
  ] as const)("close(%j) has the same code and reason at both ends", async (args, code, reason) => {
    const observed = deferred<[number, string]>();
    const url = await serveWs((socket) =>
      socket.on("close", (status, text) => observed.resolve([status, text.toString()])),
    );
    const socket = new WebSocket(url);
    await socket.onOpen.first;
    socket.close(...(args as unknown as [number?, string?]));
    expect(await outcomeOf(socket)).toEqual({
      events: ["close"],
      error: undefined,
      code,
      reason,
      wasClean: true,
      readyState: 3,
    });
    expect(await observed.promise).toEqual([code, reason]);
  });

  it.each([
    [[], 1005, ""],
    [[1000, ""], 1000, ""],
    [[1001, "restart"], 1001, "restart"],
    [[1011], 1011, ""],
    [[3000, "x"], 3000, "x"],
    [[4999, "x".repeat(123)], 4999, "x".repeat(123)],
  ] as const)("close(%j) of the server arrives", async (args, code, reason) => {
    const url = await serveWs((socket) => socket.close(...(args as unknown as [number?, string?])));
    expect(await outcomeOf(new WebSocket(url))).toMatchObject({
      events: ["open", "close"],
      code,
      reason,
      wasClean: true,
    });
  });

  it("a missing Close frame causes an error and 1006", async () => {
    const url = await serveWs((socket) => socket.terminate());
    const outcome = await outcomeOf(new WebSocket(url));
    expect(outcome).toMatchObject({ events: ["open", "error", "close"], code: 1006, reason: "" });
    expect(outcome.error).toBeInstanceOf(Error);
  });

  it("close() takes at most closeTimeoutMs if the server does not answer", async () => {
    const url = await serveBytes((socket, request) => socket.write(acceptance(request)));
    const socket = new WebSocket(url, { closeTimeoutMs: 1 });
    await socket.onOpen.first;
    socket.close(1000);
    const outcome = await outcomeOf(socket);
    expect(outcome).toMatchObject({ events: ["error", "close"], code: 1006, wasClean: false });
    expect(outcome.error).toMatchObject({ code: "CLOSE_TIMEOUT" });
  });

  it("close() delivers the messages that were sent before it", async () => {
    const observed = deferred<number>();
    const url = await serveWs((socket) => {
      let bytes = 0;
      socket.on("message", (data) => (bytes += (data as Buffer).length));
      socket.on("close", () => observed.resolve(bytes));
    });
    const socket = new WebSocket(url);
    await socket.onOpen.first;
    const count = transport.isFast ? 100 : 2;
    const length = transport.isFast ? 50_000 : 5000;
    for (let i = 0; i < count; i++) socket.send(bytesOf(length));
    socket.send(new Blob([bytesOf(7)]));
    expect(socket.bufferedAmount).toBe(count * length + 7);
    socket.close();
    expect(await outcomeOf(socket)).toMatchObject({ code: 1005, wasClean: true });
    expect(await observed.promise).toBe(count * length + 7);
    expect(socket.bufferedAmount).toBe(0);
  });
});

describe("an opening handshake", () => {
  const refused = {
    events: ["error", "close"],
    code: 1006,
    reason: "",
    wasClean: false,
    readyState: 3,
  };

  it.each([200, 301, 400, 401, 403, 404, 426, 500, 503])(
    "fails if the server answers with status %d",
    async (status) => {
      const url = await serveBytes((socket) => {
        socket.end(`HTTP/1.1 ${status} No\r\nLocation: /\r\nContent-Length: 2\r\n\r\nno`);
      });
      const outcome = await outcomeOf(new WebSocket(url));
      expect(outcome).toMatchObject(refused);
      expect(outcome.error).toBeInstanceOf(HandshakeError);
      expect(outcome.error).toMatchObject({ code: "UNEXPECTED_STATUS", status });
    },
  );

  it.each([
    ["a start line that is not HTTP", () => "SSH-2.0-OpenSSH\r\n\r\n"],
    [
      "a wrong Sec-WebSocket-Accept",
      (r: string) => acceptance(r).replace(/Accept: ./, "Accept: -"),
    ],
    ["no Upgrade", (r: string) => acceptance(r).replace("Upgrade: websocket\r\n", "")],
    ["no Connection", (r: string) => acceptance(r).replace("Connection: Upgrade\r\n", "")],
    [
      "an extension that was not offered",
      (r: string) => acceptance(r, "Sec-WebSocket-Extensions: x\r\n"),
    ],
    [
      "a subprotocol that was not offered",
      (r: string) => acceptance(r, "Sec-WebSocket-Protocol: c\r\n"),
    ],
    ["no subprotocol (Fetch, the WebSocket handshake)", (r: string) => acceptance(r)],
    ["too many bytes of headers", (r: string) => acceptance(r, `a: ${"x".repeat(20_000)}\r\n`)],
    ["too many header fields", (r: string) => acceptance(r, "a: b\r\n".repeat(200))],
  ])("fails if the response has %s", async (_, respond) => {
    const url = await serveBytes((socket, request) => socket.write(respond(request), "latin1"));
    const outcome = await outcomeOf(new WebSocket(url, ["a", "b"]));
    expect(outcome).toMatchObject(refused);
    expect(outcome.error).toBeInstanceOf(HandshakeError);
  });

  it.each([
    ["an unknown parameter", "permessage-deflate; level=9", "parameters"],
    ["a window of 32 bits", "permessage-deflate; server_max_window_bits=32", "parameters"],
    ["two answers", "permessage-deflate, permessage-deflate", "more than once"],
  ])(
    "fails if the server accepts compression with %s (RFC 7692 7.1)",
    async (_what, answer, reason) => {
      const url = await serveBytes((socket, request) => {
        socket.end(acceptance(request, `Sec-WebSocket-Extensions: ${answer}\r\n`));
      });
      const outcome = await outcomeOf(new WebSocket(url, { compression: true }));
      expect(outcome).toMatchObject({
        ...refused,
        error: { code: "INVALID_EXTENSION", message: expect.stringContaining(reason) as string },
      });
    },
  );

  it("fails if the server never answers", async () => {
    const url = await serveBytes(() => {});
    const outcome = await outcomeOf(new WebSocket(url, { handshakeTimeoutMs: 1 }));
    expect(outcome).toMatchObject(refused);
    expect(outcome.error).toMatchObject({ code: "HANDSHAKE_TIMEOUT" });
  });

  it("fails on close(), which also ends the socket of the server", async () => {
    const gone = deferred<void>();
    const asked = deferred<void>();
    const url = await serveBytes((socket) => {
      socket.on("close", () => gone.resolve());
      asked.resolve();
    });
    const socket = new WebSocket(url);
    await asked.promise;
    socket.close();
    expect(await outcomeOf(socket)).toMatchObject({ ...refused, error: { code: "ABORTED" } });
    await gone.promise;
  });

  it("throws nothing if it fails without a listener for errors", async () => {
    const url = await serveBytes((socket) => socket.destroy());
    const uncaught = await uncaughtErrorsOf(async () => {
      const socket = new WebSocket(url);
      expect(await socket.onClose.first).toMatchObject({ code: 1006 });
    });
    expect(uncaught).toEqual([]);
  });
});

describe("a response to an opening handshake", () => {
  const { length } = acceptance("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");

  it.each(["ends", "is reset"])(
    "causes error and close with 1006 when the socket %s at any of its bytes",
    async (how) => {
      let cut = 0;
      const url = await serveBytes((socket, request) => {
        const part = acceptance(request).slice(0, cut);
        const finish = (): void => void (how === "ends" ? socket.end() : reset(socket));
        if (part === "") finish();
        else socket.write(part, "latin1", finish);
      });
      for (cut = 0; cut < length; cut++) {
        const outcome = await outcomeOf(new WebSocket(url));
        expect([cut, outcome.events, outcome.code]).toEqual([cut, ["error", "close"], 1006]);
      }
    },
  );

  it("opens the connection even if it arrives in single bytes", async () => {
    const url = await serveBytes((socket, request) => {
      if (socket instanceof NetSocket) socket.setNoDelay(true);
      const bytes = `${acceptance(request)}\x81\x02hi\x88\x00`.split("");
      const next = (): void => {
        const byte = bytes.shift();
        if (byte === undefined) socket.end();
        else socket.write(byte, "latin1", () => setImmediate(next));
      };
      next();
    });
    const outcome = await outcomeOf(new WebSocket(url));
    expect(outcome).toMatchObject({ events: ["open", "message", "close"], code: 1005 });
  });
});

it("a connection sends a ping after heartbeat.idleMs without data", async () => {
  const opcode = deferred<number>();
  const url = await serveBytes((socket, request) => {
    socket.once("data", (chunk: Buffer) => opcode.resolve(chunk[0]));
    socket.write(acceptance(request));
  });
  const socket = new WebSocket(url, { heartbeat: { idleMs: 1, timeoutMs: 60_000 } });
  expect(await opcode.promise).toBe(0x89);
  socket.close();
});

describe("the request", () => {
  it("has the path, the subprotocols and the given header fields", async () => {
    let head = "";
    const url = await serveBytes((socket, request) => {
      head = request;
      socket.write(acceptance(request, "Sec-WebSocket-Protocol: b\r\n"));
    });
    const socket = new WebSocket(`${url}chat?room=1`, {
      protocols: ["a", "b"],
      headers: { authorization: "Bearer x" },
    });
    await socket.onOpen.first;
    expect(socket.protocol).toBe("b");
    expect(head).toMatch(/^GET \/chat\?room=1 HTTP\/1\.1\r\n/);
    expect(head).toMatch(/\r\nsec-websocket-protocol: a, b\r\n/i);
    expect(head).toMatch(/\r\nauthorization: Bearer x\r\n/i);
    socket.close();
  });
});

describe("the request, for credentials and Host,", () => {
  const headOf = async (
    addCredentials: (url: string) => string,
    headers: Record<string, string>,
  ): Promise<string> => {
    const head = deferred<string>();
    const url = await serveBytes((socket, request) => {
      head.resolve(request);
      socket.end(acceptance(request));
    });
    const socket = new WebSocket(addCredentials(url), { headers });
    await socket.onClose.first;
    return await head.promise;
  };
  const fieldsOf = (head: string, name: string): string[] =>
    head
      .split("\r\n")
      .filter((line) => line.toLowerCase().startsWith(`${name}: `))
      .map((line) => line.slice(name.length + 2));
  const withUser = (url: string): string => url.replace("//", "//user:p%40ss@");

  it.each(["authorization", "Authorization", "AUTHORIZATION"])(
    "has the caller's %s instead of the user and password of the URL",
    async (name) => {
      const head = await headOf(withUser, { [name]: "Bearer token" });
      expect(fieldsOf(head, "authorization")).toEqual(["Bearer token"]);
    },
  );

  it.each([
    ["user:p%40ss", "user:p@ss"],
    ["user", "user:"],
    [":pass", ":pass"],
  ])("has the user and password of the URL, such as %s (RFC 7617)", async (given, pair) => {
    const head = await headOf((url) => url.replace("//", `//${given}@`), { cookie: "a=b" });
    expect(fieldsOf(head, "authorization")).toEqual([`Basic ${btoa(pair)}`]);
    expect(fieldsOf(head, "cookie")).toEqual(["a=b"]);
  });

  it.each(["tenant.example", "tenant.example:8443", "[2001:db8::1]:9"])(
    "has the caller's %s once, instead of the host of the URL",
    async (host) => {
      const head = await headOf((url) => url, { Host: host });
      expect(fieldsOf(head, "host")).toEqual([host]);
      expect(fieldsOf(head, "authorization")).toEqual([]);
    },
  );

  it.each(["", "a b", "a/b", "user@host", "a:b:c", "a, b"])(
    "is not sent for the host %j, which throws a UsageError",
    (host) => {
      expect(() => new WebSocket("ws://host/", { headers: { host } })).toThrow(
        expect.objectContaining({ name: "UsageError", code: "INVALID_HEADER" }),
      );
    },
  );

  it("is not sent for a header that is given twice in different cases, which throws a UsageError", () => {
    const headers = { authorization: "a", Authorization: "b" };
    expect(() => new WebSocket("ws://host/", { headers })).toThrow(
      expect.objectContaining({
        code: "INVALID_OPTION",
        message: expect.stringContaining("headers has authorization more than once") as string,
      }),
    );
  });
});

describe("signal", () => {
  /** An AbortController and the number of listeners of its signal. */
  const counting = (): { controller: AbortController; count: () => number } => {
    const controller = new AbortController();
    const { signal } = controller;
    return { controller, count: () => getEventListeners(signal, "abort").length };
  };

  it("aborts the handshake with its reason as the cause, and the server sees the disconnect", async () => {
    const gone = deferred<void>();
    const asked = deferred<void>();
    const url = await serveBytes((socket) => {
      socket.on("close", () => gone.resolve());
      asked.resolve();
    });
    const { controller, count } = counting();
    const socket = new WebSocket(url, { signal: controller.signal });
    await asked.promise;
    controller.abort();
    const outcome = await outcomeOf(socket);
    expect(outcome).toMatchObject({ events: ["error", "close"], code: 1006, wasClean: false });
    expect(outcome.error).toBeInstanceOf(HandshakeError);
    expect(outcome.error).toMatchObject({ code: "ABORTED", cause: { name: "AbortError" } });
    await gone.promise;
    expect(count()).toBe(0);
  });

  it("sends nothing to the server if it is already aborted", async () => {
    let requests = 0;
    const url = await serveBytes(() => requests++);
    const reason = new Error("no longer needed");
    const socket = new WebSocket(url, { signal: AbortSignal.abort(reason) });
    const outcome = await outcomeOf(socket);
    expect(outcome).toMatchObject({ events: ["error", "close"], code: 1006 });
    expect(outcome.error).toMatchObject({ code: "ABORTED", cause: reason });
    expect(requests).toBe(0);
  });

  it("has no effect and no listener once the connection is open or has failed", async () => {
    const { controller, count } = counting();
    const { signal } = controller;
    const open = new WebSocket(await echo(), { signal });
    expect(count()).toBe(1);
    await open.onOpen.first;
    const failed = new WebSocket(await serveBytes((socket) => socket.destroy()), { signal });
    await failed.onClose.first;
    const closed = new WebSocket(await serveBytes(() => {}), { signal });
    closed.close();
    expect(count()).toBe(0);
    await closed.onClose.first;
    controller.abort();
    expect(open.readyState).toBe(1);
    open.close();
    await open.onClose.first;
  });

  it.each([null, {}, "signal", new EventTarget(), { aborted: false }])(
    "throws for the signal %j",
    (signal) => {
      expect(() => new WebSocket("ws://host/", { signal: signal as never })).toThrow(
        expect.objectContaining({ code: "INVALID_OPTION" }),
      );
    },
  );
});

describe("ReconnectingWebSocket over connections", () => {
  it("reconnects after the server dropped it and sends the queued messages", async () => {
    const observed: string[] = [];
    const done = deferred<void>();
    let connections = 0;
    const url = await serveWs((socket) => {
      socket.on("message", (data: Buffer) => {
        observed.push(data.toString());
        if (observed.length === 2) done.resolve();
      });
      if (++connections === 1) socket.terminate();
    });
    const socket = new ReconnectingWebSocket(url, { initialDelayMs: 1 });
    await socket.onReconnecting.first;
    socket.send("a");
    socket.send("b");
    await socket.onReconnected.first;
    await done.promise;
    expect(observed).toEqual(["a", "b"]);
    socket.close(1000);
    expect(await socket.onClose.first).toMatchObject({ code: 1000, wasClean: true });
  });

  it("retries refused handshakes", async () => {
    let requests = 0;
    const http = createHttpServer();
    const url = await serveWs(
      (socket) => socket.close(1000),
      {
        verifyClient: (_, decide) => decide(++requests > 2, 503),
      },
      http,
    );
    const socket = new ReconnectingWebSocket(url, { initialDelayMs: 1 });
    const attempts: number[] = [];
    socket.onreconnecting = ({ attempt }) => attempts.push(attempt);
    expect(await socket.onClose.first).toMatchObject({ code: 1000 });
    expect(attempts).toEqual([1, 2]);
  });
});
