import { once } from "node:events";
import type { Socket } from "node:net";
import { versions } from "node:process";
import * as fc from "fast-check";
import { type Server, serve } from "tideway/server";
import { afterEach, describe, expect, it, vi } from "vitest";
import { handshake, RawClient } from "../support/clients.ts";
import { uncaughtErrorsOf } from "../support/uncaught-errors.ts";

/** Larger than the buffers of the kernel, so that a client that does not read blocks its response. */
const BIG = Buffer.alloc(20_000_000, "x");

/** A server with a client that reads only while its socket flows. */
class Conversation {
  readonly server: Server;
  readonly client: RawClient;
  /** The server's side of the connection. */
  readonly accepted: Socket;
  readonly #answers: Array<(response: Response) => void>;

  static async start(fastPaths: boolean): Promise<Conversation> {
    const answers: Array<(response: Response) => void> = [];
    const server = await serve({
      port: 0,
      fastPaths,
      onRefused: () => {},
      onError: () => {},
      routes: {
        "/big": () => new Response(BIG),
        "/stream": () => new Response(endlessBody()),
        "/small": () => new Response("small"),
        "/wait": () => new Promise<Response>((resolve) => answers.push(resolve)),
        "post:/json": async (request) => Response.json(await request.json()),
        "post:/unread": () => new Response("unread"),
        "ws:/echo": (socket) => socket.listen((message) => socket.send(message)),
      },
    });
    const connected = once(server.httpServer, "connection") as Promise<[Socket]>;
    // An incomplete head, which makes the server accept the connection.
    const client = new RawClient(server.port).send("GET /small HT");
    const [accepted] = await connected;
    client.socket.pause();
    // Otherwise, the kernel would hold back bytes for longer than the turns that a test waits.
    (client.socket as Socket).setNoDelay();
    client.send("TP/1.1\r\nHost: a\r\n\r\n");
    return new Conversation(server, client, accepted, answers);
  }

  private constructor(
    server: Server,
    client: RawClient,
    accepted: Socket,
    answers: Array<(response: Response) => void>,
  ) {
    this.server = server;
    this.client = client;
    this.accepted = accepted;
    this.#answers = answers;
  }

  /** The number of unanswered requests for "/wait". */
  get waiting(): number {
    return this.#answers.length;
  }

  answer(): void {
    this.#answers.shift()?.(new Response("answer"));
  }

  async end(): Promise<void> {
    this.client.socket.destroy();
    await this.server.stop({ timeoutMs: 1 });
  }
}

function endlessBody(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(60_000)) });
}

let conversation: Conversation;
afterEach(async () => await conversation.end());

const request = (line: string, fields = "", body = ""): string =>
  `${line} HTTP/1.1\r\nHost: a\r\n${fields}\r\n${body}`;

const CHUNKED = "Transfer-Encoding: chunked\r\n";
const MALFORMED_BODY = request("POST /json", CHUNKED, "ZZ\r\n");

/** The socket of a request in Bun does not count bytes that wait for the client. */
const SEES_FULL_BUFFERS = !("bun" in versions);

/** Waits until the client's buffers are full, so that `node:http` parses no further request. */
async function block({ client, accepted }: Conversation): Promise<void> {
  client.send(request("GET /big"));
  await vi.waitUntil(() => accepted.writableNeedDrain);
}

/** Some turns of the event loop, in which bytes arrive at the other side. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe.each([true, false])("a client that does not read, with fastPaths: %s", (fastPaths) => {
  it.runIf(SEES_FULL_BUFFERS)(
    "cannot cause an exception by bytes after a malformed body",
    async () => {
      conversation = await Conversation.start(fastPaths);
      const { client, server } = conversation;
      await block(conversation);
      const errors = await uncaughtErrorsOf(async () => {
        const refused = once(server.httpServer, "clientError");
        client.send(MALFORMED_BODY);
        await refused;
        client.send("X");
        await turns(10);
      });
      expect(errors).toEqual([]);
    },
  );

  it.runIf(SEES_FULL_BUFFERS)(
    "cannot cause an exception when other code resumes its socket",
    async () => {
      conversation = await Conversation.start(fastPaths);
      const { client, server, accepted } = conversation;
      await block(conversation);
      const errors = await uncaughtErrorsOf(async () => {
        const asked = once(server.httpServer, "request");
        client.send(request("GET /wait"));
        await asked;
        accepted.resume();
        client.send(request("GET /wait"));
        await turns(10);
      });
      expect(errors).toEqual([]);
      // When the client has read, `node:http` resumes the socket itself, and no request is lost.
      client.socket.resume();
      client.send(request("GET /wait", "Connection: close\r\n"));
      await vi.waitUntil(() => conversation.waiting === 3);
      for (let count = 0; count < 3; count++) conversation.answer();
      expect((await client.closed()).match(/HTTP\/1\.1 200/g)).toHaveLength(5);
    },
  );

  const PIECES: readonly string[] = [
    request("GET /small"),
    request("HEAD /small"),
    request("GET /big"),
    request("GET /stream"),
    request("GET /wait"),
    request("GET /wait").repeat(20),
    request("GET /nowhere", "Connection: close\r\n"),
    request("POST /json", "Content-Length: 2\r\n", "{}"),
    request("POST /json", "Content-Length: 9\r\n", "{"),
    request("POST /json", CHUNKED, "2\r\n{}\r\n0\r\n\r\n"),
    request("POST /unread", "Content-Length: 70000\r\n", "x".repeat(70_000)),
    request("POST /unread", CHUNKED, "ZZ\r\n"),
    request("GET /small", "Connection: Upgrade\r\nUpgrade: h2c\r\n"),
    request("POST /unread", "Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 4\r\n", "bo"),
    request("CONNECT a:1"),
    MALFORMED_BODY,
    handshake("/echo"),
    handshake("/echo", { "Content-Length": "3" }),
    "X",
    "\r\n\r\n",
    "\0\0\0",
  ];

  const send = fc
    .array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 4 })
    .map((pieces) => ({ kind: "send", text: pieces.join("") }) as const);
  const steps = fc.array(
    fc.oneof(
      { weight: 6, arbitrary: send },
      fc.constantFrom(
        { kind: "read" } as const,
        { kind: "answer" } as const,
        { kind: "time out" } as const,
        { kind: "resume" } as const,
        { kind: "stop" } as const,
        { kind: "end" } as const,
        { kind: "reset" } as const,
      ),
    ),
    { minLength: 2, maxLength: 12 },
  );

  it("cannot cause an exception by any order of requests, garbage and stops", async () => {
    const property = fc.asyncProperty(steps, fc.boolean(), async (all, isBlocked) => {
      conversation = await Conversation.start(fastPaths);
      const { client, server, accepted } = conversation;
      const errors = await uncaughtErrorsOf(async () => {
        if (isBlocked && SEES_FULL_BUFFERS) await block(conversation);
        for (const step of all) {
          switch (step.kind) {
            case "send":
              client.send(step.text);
              break;
            case "read":
              client.socket.resume();
              await turns(20);
              client.socket.pause();
              break;
            case "answer":
              conversation.answer();
              break;
            case "time out": {
              const error = Object.assign(new Error(), { code: "ERR_HTTP_REQUEST_TIMEOUT" });
              server.httpServer.emit("clientError", error, accepted);
              break;
            }
            case "resume":
              accepted.resume();
              break;
            case "stop":
              void server.stop();
              break;
            case "end":
              client.socket.end();
              break;
            case "reset":
              client.reset();
              break;
          }
          await turns(4);
        }
        await conversation.end();
      });
      expect(errors).toEqual([]);
    });
    await fc.assert(property, { seed: 1, numRuns: 60 });
  });
});
