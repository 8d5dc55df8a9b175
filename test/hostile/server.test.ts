/** Attacks of hostile peers on servers, byte by byte. */
import { ConnectionClosedError, ProtocolError, type Socket } from "tideway/server";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { deferred } from "../support/servers.ts";
import { handshake, nextMessage, openClient, RawClient, statusOf } from "../support/clients.ts";
import { type ServerKind, SERVER_KINDS, type StartedServer } from "../support/server-kinds.ts";
import { acceptAndEcho, HOSTILE_FRAMES } from "./frames.ts";

const latin1 = (hex: string): string => Buffer.from(hex, "hex").toString("latin1");
const hexOf = (text: string): string => Buffer.from(text, "latin1").toString("hex");

/** Starts a server that must report nothing until the end of the test. */
async function start(
  routes: Parameters<ServerKind["start"]>[0],
  kind: ServerKind = SERVER_KINDS[0],
): Promise<StartedServer> {
  const onError = vi.fn<(error: unknown) => void>();
  const server = await kind.start(routes, { onError });
  onTestFinished(async () => {
    await server[Symbol.asyncDispose]();
    expect(onError).not.toHaveBeenCalled();
  });
  return server;
}

/** Everything that the server sends after its handshake, in hex. */
async function answerTo(server: StartedServer, frames: string): Promise<string> {
  const answer = await new RawClient(server).send(handshake("/") + latin1(frames)).closed();
  return hexOf(answer.slice(answer.indexOf("\r\n\r\n") + 4));
}

describe("invalid frames:", () => {
  it.each(HOSTILE_FRAMES)(
    "%s: the server sends %i, closes, and serves the next client",
    async (_what, code, frames) => {
      const server = await start({ "ws:/": { maxMessageBytes: 1000, handle: acceptAndEcho } });
      const bystander = await openClient(server);
      expect(await answerTo(server, frames("client"))).toMatch(closeFrame(code));
      bystander.send("still here");
      expect(await nextMessage(bystander)).toBe("still here");
    },
  );

  it("the handler gets a ProtocolError as the cause of the end", async () => {
    const ended = deferred<unknown>();
    const server = await start({
      "ws:/": async (socket: Socket) => {
        try {
          for await (const _ of socket);
        } catch (error) {
          ended.resolve(error);
        }
      },
    });
    await answerTo(server, "8300");
    const error = (await ended.promise) as ConnectionClosedError;
    expect(error).toBeInstanceOf(ConnectionClosedError);
    expect(error.cause).toBeInstanceOf(ProtocolError);
    expect(error.cause).toMatchObject({ code: "RESERVED_OPCODE", closeCode: 1002 });
  });

  it("many of them at once are answered with a single Close frame", async () => {
    const server = await start({ "ws:/": acceptAndEcho });
    const answer = await answerTo(server, "8300" + "818100000000".repeat(50) + "888000000000");
    expect(answer).toMatch(closeFrame(1002));
    expect(answer.length / 2).toBe(2 + Number.parseInt(answer.slice(2, 4), 16));
  });
});

describe("data that a handler sends", () => {
  const sent = async (send: (socket: Socket) => void): Promise<string> => {
    const server = await start({
      "ws:/": (socket: Socket) => {
        send(socket);
        socket.close(1000);
      },
    });
    return await answerTo(server, "888000000000");
  };

  it("is exactly the given data of any type, and no adjacent memory", async () => {
    const bytes = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]);
    const answer = await sent((socket) => {
      socket.send(new Float32Array(bytes.buffer, 4, 1));
      socket.send(new DataView(bytes.buffer, 1, 2));
      socket.send(bytes.subarray(6));
      socket.send(bytes.buffer.slice(0, 3));
      socket.send(new Uint8Array(0));
    });
    expect(answer).toBe(
      "820405060708" + "82020203" + "82020708" + "8203010203" + "8200" + "880203e8",
    );
  });

  it("is refused if it is not a message: a number does not become that many bytes of memory", async () => {
    const answer = await sent((socket) => {
      for (const data of [1000, 5n, true, null, { length: 1000 }, [1, 2]]) {
        expect(() => socket.send(data as never)).toThrow(/a message must be a string/);
        expect(() => socket.ping(data as never)).toThrow(/a message must be a string/);
      }
      for (const reason of [new Float32Array(20), 100, { length: 100 }]) {
        expect(() => socket.close(1000, reason as never)).toThrow(
          /a close reason must be a string/,
        );
      }
    });
    expect(answer).toBe("880203e8");
  });
});

describe.each(SERVER_KINDS)("over $name, authorization", (kind) => {
  it.each([
    "/private",
    "/private?x=1",
    "http://localhost/private",
    "HTTP://LOCALHOST/private",
    "/%70rivate",
    "/./private",
    "/a/../private",
    "/%2e/private",
    "//private",
    "/private/",
    "/PRIVATE",
    "/private%00",
    "/private;a",
    "\\private",
  ])("is not bypassed for the target %s", async (target) => {
    const handle = vi.fn<() => void>();
    const authorize = (): Response => new Response("no", { status: 401 });
    const server = await start({ "ws:/private": { authorize, handle } }, kind);
    const response = await new RawClient(server).send(handshake(target)).closed();
    expect([400, 401, 404]).toContain(statusOf(response));
    expect(handle).not.toHaveBeenCalled();
  });

  it("precedes the socket even for unusual, pipelined or repeated requests", async () => {
    const handle = vi.fn<() => void>();
    const authorize = (): Response => new Response("no", { status: 401 });
    const server = await start(
      { "ws:/": { authorize, handle }, "/page": () => new Response("page") },
      kind,
    );
    const requests = [
      handshake("/", { Upgrade: "h2c, websocket" }),
      handshake("/", { Connection: ["keep-alive", "Upgrade"] }),
      `GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n${handshake("/")}`,
      handshake("/") + handshake("/"),
    ];
    for (const request of requests) {
      expect(await new RawClient(server).send(request).closed()).not.toContain(" 101 ");
    }
    expect(handle).not.toHaveBeenCalled();
  });
});

describe("control frames", () => {
  it("are sent even when the send buffer is full and messages are dropped", async () => {
    let dropped = 0;
    const closed = deferred<void>();
    const server = await start({
      "ws:/": {
        slowConsumer: "drop",
        // On a busy machine the client takes longer than the default to read everything.
        closeTimeoutMs: 60_000,
        handle: (socket: Socket) => {
          const message = new Uint8Array(65_536);
          while (dropped === 0) {
            const before = socket.bufferedAmount;
            socket.send(message);
            if (socket.bufferedAmount === before) dropped++;
          }
          socket.ping("are you there?");
          socket.close(4001, "full");
          void socket.done.then(() => closed.resolve());
        },
      },
    });
    const client = new RawClient(server);
    client.socket.pause();
    client.send(handshake("/"));
    await vi.waitFor(() => expect(dropped).toBe(1));
    client.socket.resume();
    // The answer to the Close frame, without a code.
    await client.receives("\x88\x06\x0f\xa1full");
    expect(await client.send(latin1("888000000000")).closed()).toContain("\x89\x0eare you there?");
    await closed.promise;
  });
});

describe("text of a peer is escaped before it is printed", () => {
  it("in the reason of a Close frame, which the message of an error quotes", async () => {
    const { promise, resolve } = deferred<Error>();
    const server = await start({
      "ws:/": (socket: Socket) => {
        socket[Symbol.asyncIterator]()
          .next()
          .then(() => {}, resolve);
      },
    });
    // 4000, and characters that set the title and colour of a terminal and reverse text.
    const reason = hexOf("\x1b]0;title\x07") + Buffer.from("\u009b31m\u007f\u202e").toString("hex");
    const second = (0x80 | (2 + reason.length / 2)).toString(16);
    expect(await answerTo(server, `88${second}000000000fa0${reason}`)).toBe("88020fa0");
    const { message } = await promise;
    expect(message).toMatch(/^[\x20-\x7e]*$/);
    expect(message).toContain("\\u001b]0;title\\u0007\\u009b31m\\u007f\\u202e");
  });
});

describe("when the client resets the connection,", () => {
  it.each<[string, string[], (socket: Socket) => Promise<unknown>[]]>([
    [
      "messages",
      ["rejected", "rejected", "fulfilled"],
      (socket) => [socket.addStream(endless()), socket[Symbol.asyncIterator]().next(), socket.done],
    ],
    [
      "streams",
      ["rejected", "rejected", "rejected", "rejected", "fulfilled"],
      (socket) => {
        const writer = socket.writable.getWriter();
        const reader = socket.readable.getReader();
        const write = async (): Promise<void> => {
          for (;;) await writer.write(new Uint8Array(65_536));
        };
        return [write(), writer.closed, reader.read(), reader.closed, socket.done];
      },
    ],
  ])("every promise of a socket's %s settles", async (_which, outcomes, wait) => {
    const settled = deferred<PromiseSettledResult<unknown>[]>();
    const begun = deferred<void>();
    const server = await start({
      "ws:/": (socket: Socket) => {
        while (socket.send(new Uint8Array(65_536)));
        void Promise.allSettled(wait(socket)).then(settled.resolve);
        begun.resolve();
      },
    });
    const client = new RawClient(server);
    client.socket.pause();
    client.send(handshake("/"));
    await begun.promise;
    client.reset();
    expect((await settled.promise).map(({ status }) => status)).toEqual(outcomes);
  });
});

async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) yield new Uint8Array(65_536);
}

/** A Close frame with `code` and a reason, after one pong at most. */
function closeFrame(code: number): RegExp {
  return new RegExp(`^(?:8a00)?88..${code.toString(16).padStart(4, "0")}`);
}
