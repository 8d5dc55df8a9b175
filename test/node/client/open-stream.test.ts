import { Agent } from "node:http";
import { connect, type Socket } from "node:net";
import { Duplex, PassThrough } from "node:stream";
import {
  type ConnectionTarget,
  type CreateConnection,
  ReconnectingWebSocket,
  TransportError,
  UsageError,
  WebSocket,
} from "tideway";
import { MemoryNetwork } from "tideway/testing";
import { describe, expect, it, vi } from "vitest";
import { connectFailed } from "../../../src/node/client/open-stream.ts";
import {
  deferred,
  echo,
  greet,
  outcomeOf,
  serveBytes,
  serveSecurely,
} from "../../support/servers.ts";
import { CERT } from "../../support/certificate.ts";

/** Wraps a socket in a Duplex that is not a socket. */
class OverSocket extends Duplex {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) socket.pause();
    });
    socket.on("end", () => this.push(null));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}

const errorOf = async (createConnection: unknown, url = "ws://host/"): Promise<unknown> => {
  const options = { createConnection: createConnection as CreateConnection };
  return (await outcomeOf(new WebSocket(url, options))).error;
};

describe("createConnection", () => {
  it.each<[string, CreateConnection]>([
    ["a connecting socket", (target) => connect({ ...target })],
    ["a promise of a connecting socket", async (target) => connect({ ...target })],
    [
      "a connected socket",
      async (target) => {
        const socket = connect({ ...target });
        await new Promise((resolve) => socket.once("connect", resolve));
        return socket;
      },
    ],
    [
      "a socket with a local address",
      (target) => connect({ ...target, localAddress: "127.0.0.2" }),
    ],
    [
      "a socket with a custom lookup",
      ({ port }) => connect({ host: "name.invalid", port, lookup: toLoopback }),
    ],
    ["a Duplex", (target) => new OverSocket(connect({ ...target }))],
  ])("opens the connection with %s", async (_, createConnection) => {
    expect(await greet(new WebSocket(await echo(), { createConnection }))).toBe("hello");
  });

  it("opens the connection with the socket of an http.Agent", async () => {
    const agent = new Agent();
    const createConnection: CreateConnection = ({ host, port }) =>
      (agent as unknown as { createConnection: (options: object) => Socket }).createConnection({
        host,
        port,
      });
    expect(await greet(new WebSocket(await echo(), { createConnection }))).toBe("hello");
  });

  it("reaches a server in memory", async () => {
    const network = new MemoryNetwork();
    await using _server = network.serve({
      routes: {
        "ws:/": async (socket) => {
          for await (const message of socket) socket.send(message);
        },
      },
    });
    const createConnection = (): Duplex => network.connect();
    expect(await greet(new WebSocket("ws://anything/", { createConnection }))).toBe("hello");
  });

  it.each([
    ["a socket", (target: ConnectionTarget) => connect({ ...target })],
    ["a Duplex", (target: ConnectionTarget) => new OverSocket(connect({ ...target }))],
  ])("adds TLS over %s for wss: and checks the certificate", async (_, createConnection) => {
    const url = await serveSecurely();
    const socket = new WebSocket(url, { createConnection, tls: { ca: CERT } });
    expect((await socket.onMessage.first).data).toBe("secure");
    socket.close();
    await socket.onClose.first;
    expect(await errorOf(createConnection, url)).toMatchObject({
      cause: { code: "DEPTH_ZERO_SELF_SIGNED_CERT" },
    });
  });

  it.each([
    ["ws://example.com/a?b", { host: "example.com", port: 80 }],
    ["wss://example.com/", { host: "example.com", port: 443 }],
    ["ws://[::1]:8080/", { host: "::1", port: 8080 }],
    ["ws+unix:/tmp/a.sock:/b", { host: "localhost", port: 80, path: "/tmp/a.sock" }],
  ])("receives the target of %s", async (url, expected) => {
    let target: ConnectionTarget | undefined;
    await errorOf((given: ConnectionTarget) => {
      target = given;
      throw new Error("no");
    }, url);
    const { url: givenUrl, signal, ...rest } = target!;
    expect(givenUrl.href).toBe(url);
    expect(signal).toBeInstanceOf(AbortSignal);
    expect(rest).toEqual(expected);
  });

  it("is called after the constructor, and not if the socket is already closed", async () => {
    const createConnection = vi.fn<CreateConnection>();
    const socket = new WebSocket("ws://host/", { createConnection });
    expect(createConnection).not.toHaveBeenCalled();
    socket.close();
    await socket.onClose.first;
    expect(createConnection).not.toHaveBeenCalled();
  });

  it("is called for each attempt of a ReconnectingWebSocket", async () => {
    const url = await echo();
    let calls = 0;
    const socket = new ReconnectingWebSocket(url, {
      initialDelayMs: 0,
      webSocketOptions: {
        createConnection: (target) => {
          if (++calls === 1) throw new Error("not yet");
          return connect({ ...target });
        },
      },
    });
    await socket.onOpen.first;
    expect(calls).toBe(2);
    socket.close();
    await socket.onClose.first;
  });

  it.each([null, true, "socket", {}])("throws for %j", (createConnection) => {
    expect(
      () => new WebSocket("ws://host/", { createConnection: createConnection as never }),
    ).toThrow(expect.objectContaining({ name: "UsageError", code: "INVALID_OPTION" }));
  });
});

describe("a createConnection function", () => {
  const cause = new Error("no way");

  it.each([
    [
      "throws",
      () => {
        throw cause;
      },
    ],
    ["rejects", () => Promise.reject(cause)],
  ])("that %s fails the attempt with its error as the cause", async (_, createConnection) => {
    const error = await errorOf(createConnection);
    expect(error).toBeInstanceOf(TransportError);
    expect(error).toMatchObject({ code: "CONNECT_FAILED", message: "no way", cause });
  });

  it("that rejects with an error of this package fails the attempt with that error", async () => {
    const own = new TransportError("PROXY_REFUSED", "no");
    expect(await errorOf(() => Promise.reject(own))).toBe(own);
  });

  it.each([undefined, null, true, "socket", 5, {}, [], () => {}, new EventTarget()])(
    "that returns %s causes a UsageError",
    async (value) => {
      for (const create of [() => value, () => Promise.resolve(value)]) {
        const error = await errorOf(create);
        expect(error).toBeInstanceOf(UsageError);
        expect(error).toMatchObject({ code: "INVALID_CONNECTION" });
      }
    },
  );

  it.each([
    [undefined, "undefined"],
    [null, "null"],
    [5, "5"],
    ["a secret", "a string"],
    [["a secret"], "an array"],
    [{ a: "secret" }, "an object that is not a stream"],
  ])(
    "that returns or throws %j causes an error that describes the kind of value",
    async (value, kind) => {
      expect(await errorOf(() => value)).toMatchObject({
        message: `createConnection returned ${kind}; return a Duplex stream, such as a socket of node:net`,
      });
      expect(await errorOf(() => Promise.reject(value as unknown as Error))).toMatchObject({
        message: `createConnection threw ${kind}`,
      });
    },
  );

  it("that throws a value that is not an error causes an error event", async () => {
    for (const thrown of [undefined, null, "text", 5]) {
      expect(await errorOf(() => Promise.reject(thrown as unknown as Error))).toMatchObject({
        code: "CONNECT_FAILED",
      });
    }
  });

  it.each([
    ["in object mode", () => new PassThrough({ objectMode: true })],
    ["of text", () => new PassThrough({ encoding: "utf8" })],
  ])("that returns a stream %s fails, and the stream is destroyed", async (_, make) => {
    const stream = make();
    expect(await errorOf(() => stream)).toMatchObject({ code: "INVALID_CONNECTION" });
    expect(stream.destroyed).toBe(true);
  });

  it("that returns a stream that has ended or failed makes the attempt fail", async () => {
    const ended = new PassThrough();
    ended.end();
    expect(await errorOf(() => ended)).toMatchObject({ code: "CONNECT_FAILED" });
    expect(ended.destroyed).toBe(true);
    const broken = new PassThrough();
    broken.on("error", () => {});
    broken.destroy(cause);
    expect(await errorOf(() => broken)).toMatchObject({ code: "CONNECT_FAILED", cause });
  });

  it.each([
    ["a socket", (socket: Socket) => socket],
    ["a promise of a socket", (socket: Socket) => Promise.resolve(socket)],
  ])(
    "that returns %s with an unavailable local address makes the attempt fail",
    async (_, give) => {
      const error = await errorOf(({ port }: ConnectionTarget) =>
        give(connect({ host: "127.0.0.1", port, localAddress: "203.0.113.1" })),
      );
      expect(error).toMatchObject({ code: "CONNECT_FAILED", cause: { syscall: "bind" } });
    },
  );

  it.each([
    ["closes", "ws"],
    ["fails", "ws"],
    ["closes", "wss"],
    ["fails", "wss"],
  ])(
    "that returns a stream that %s during the handshake of a %s: URL makes the attempt fail",
    async (how, scheme) => {
      const connectTo = (): Duplex => {
        const stream = new PassThrough();
        stream._write = () => {
          if (how === "fails") stream.destroy(cause);
          else stream.destroy();
        };
        return stream;
      };
      const error = await errorOf(connectTo, `${scheme}://host/`);
      expect(error).toMatchObject(how === "fails" ? { cause } : { code: "HANDSHAKE_CUT" });
    },
  );

  it("that returns a stream for invalid TLS options fails, and the stream is destroyed", async () => {
    const stream = new PassThrough();
    const socket = new WebSocket("wss://host/", {
      createConnection: () => stream,
      tls: { cert: "nonsense" },
    });
    expect((await outcomeOf(socket)).error).toMatchObject({
      code: "INVALID_OPTION",
      message: expect.stringMatching(/^WebSocket: the option tls is invalid: .+/) as string,
    });
    expect(stream.destroyed).toBe(true);
  });
});

describe("a slow createConnection function", () => {
  it.each(["times out", "is closed", "is aborted"])(
    "receives an abort of its signal when the attempt %s, and its late stream is destroyed",
    async (how) => {
      const late = deferred<Duplex>();
      const asked = deferred<AbortSignal>();
      const controller = new AbortController();
      const socket = new WebSocket("ws://host/", {
        createConnection: ({ signal }) => {
          asked.resolve(signal);
          return late.promise;
        },
        signal: controller.signal,
        ...(how === "times out" && { handshakeTimeoutMs: 10 }),
      });
      const outcome = outcomeOf(socket);
      const signal = await asked.promise;
      if (how === "is closed") socket.close();
      if (how === "is aborted") controller.abort();
      expect(await outcome).toMatchObject({
        events: ["error", "close"],
        error: { code: how === "times out" ? "HANDSHAKE_TIMEOUT" : "ABORTED" },
      });
      expect(signal.aborted).toBe(true);
      const stream = new PassThrough();
      late.resolve(stream);
      await vi.waitUntil(() => stream.destroyed);
    },
  );

  it("has no effect when it then fails or returns an invalid value", async () => {
    for (const settle of [
      () => Promise.reject(new Error("late")),
      () => Promise.resolve(undefined),
    ]) {
      const late = deferred<void>();
      const socket = new WebSocket("ws://host/", {
        createConnection: (() => late.promise.then(settle)) as never,
        handshakeTimeoutMs: 10,
      });
      const { events } = await outcomeOf(socket);
      late.resolve();
      await new Promise(setImmediate);
      expect(events).toEqual(["error", "close"]);
    }
  });

  it("leaves no socket behind when closed while connecting or waiting for the server", async () => {
    const gone = deferred<void>();
    const asked = deferred<void>();
    const url = await serveBytes((socket) => {
      socket.on("close", () => gone.resolve());
      asked.resolve();
    });
    const socket = new WebSocket(url, { createConnection: (target) => connect({ ...target }) });
    await asked.promise;
    socket.close();
    await gone.promise;
    const connecting: Socket[] = [];
    const early = new WebSocket(url, {
      createConnection: (target) => {
        const made = connect({ ...target });
        connecting.push(made);
        queueMicrotask(() => early.close());
        return made;
      },
    });
    await outcomeOf(early);
    await vi.waitUntil(() => connecting.every(({ destroyed }) => destroyed));
    expect(connecting).toHaveLength(1);
  });
});

function toLoopback(
  _host: string,
  options: { readonly all?: boolean | undefined },
  callback: (error: null, addresses: never, family?: number) => void,
): void {
  const address = "127.0.0.1";
  if (options.all) callback(null, [{ address, family: 4 }] as never);
  else callback(null, address as never, 4);
}

describe("the message of an attempt that fails", () => {
  const failure = (message: string, code?: unknown, reason?: unknown): Error =>
    Object.assign(new Error(message), { code, reason });
  const CA = "; pass the issuer's certificate as tls.ca";
  const NO_TLS = "the server does not speak TLS on this port; pass a ws: URL or another port";

  it.each<[string, unknown, string]>([
    ["an error without a code", failure("lost"), "lost"],
    ["an error with a number as its code", failure("lost", 5, "why"), "lost"],
    ["a system error", failure("connect ECONNREFUSED", "ECONNREFUSED"), "connect ECONNREFUSED"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", failure("bad", "DEPTH_ZERO_SELF_SIGNED_CERT"), `bad${CA}`],
    ["SELF_SIGNED_CERT_IN_CHAIN", failure("bad", "SELF_SIGNED_CERT_IN_CHAIN"), `bad${CA}`],
    [
      "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
      failure("bad", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"),
      `bad${CA}`,
    ],
    [
      "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
      failure("bad", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"),
      `bad${CA}`,
    ],
    ["another fault of a certificate", failure("old", "CERT_HAS_EXPIRED"), "old"],
    ["a server without TLS", failure("F0:error", "ERR_SSL_WRONG_VERSION_NUMBER", "wrong"), NO_TLS],
    ["bytes that are not TLS", failure("F0:error", "ERR_SSL_PACKET_LENGTH_TOO_LONG"), NO_TLS],
    [
      "a server that requires a client certificate",
      failure("F0:error", "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", "tlsv13 alert"),
      "the server requires a client certificate; pass tls.cert and tls.key",
    ],
    [
      "a server that requires a client certificate, in Bun",
      failure("error:1000045c", "ERR_SSL_TLSV1_ALERT_CERTIFICATE_REQUIRED", "TLSV1_ALERT"),
      "the server requires a client certificate; pass tls.cert and tls.key",
    ],
    [
      "another error of OpenSSL, without its internals",
      failure(
        "F0:error:0A000438:lib",
        "ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR",
        "alert internal error",
      ),
      "TLS: alert internal error",
    ],
    ["an error of OpenSSL without a reason", failure("F0:error", "ERR_SSL_OTHER"), "F0:error"],
    [
      "several addresses",
      new AggregateError([failure("a", "ECONNREFUSED"), failure("b", "ETIMEDOUT")]),
      "a; b",
    ],
    ["an error without a message", failure("", "ECONNRESET"), "ECONNRESET"],
    ["an error without a message and code", new TypeError(""), "TypeError"],
    ["a string that is not an error", "no", "createConnection threw a string"],
    ["an array that is not an error", [], "createConnection threw an array"],
    ["nothing", undefined, "createConnection threw undefined"],
  ])("describes %s", (_what, cause, message) => {
    const error = connectFailed(cause);
    expect(error).toBeInstanceOf(TransportError);
    expect(error).toMatchObject({ code: "CONNECT_FAILED", message });
    expect(error.cause).toBe(cause);
  });
});
