import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, it, onTestFinished, vi } from "vitest";
import { requestFeed } from "../../../../src/node/internals/http/request-feed.ts";
import { MAX_UNANSWERED, RequestQueue } from "../../../../src/node/http/request-queue.ts";

/** A connection to a server of `node:http` with a feed, and the paths that it has parsed. */
function connect({
  prepare = (_socket: Duplex): void => {},
  handle = (_response: ServerResponse): void => {},
  write = (written: () => void): void => written(),
  upgrade = (_socket: Duplex): void => {},
} = {}): { socket: Duplex; paths: string[] } {
  const paths: string[] = [];
  const httpServer = createServer((request: IncomingMessage, response: ServerResponse) => {
    paths.push(request.url!);
    RequestQueue.of(request.socket).add(response);
    handle(response);
  });
  httpServer.on("upgrade", (_request, upgraded) => upgrade(upgraded));
  httpServer.on("connection", prepare);
  requestFeed.limit(httpServer);
  const socket = new Duplex({ read() {}, write: (_bytes, _encoding, written) => write(written) });
  onTestFinished(() => void socket.destroy());
  httpServer.emit("connection", socket);
  return { socket, paths };
}

const request = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it("the request feed does not count the ends of two chunks as the end of a head", async () => {
  const { socket, paths } = connect();
  // The last bytes of the first two chunks would make an empty line if nothing were between them.
  const chunks = [
    "GET /0 HTTP/1.1\r\n",
    "Host: a\r\nX",
    `-Y: z\r\n\r\n${request("/1").repeat(30)}`,
  ];
  for (const chunk of chunks) {
    socket.push(chunk);
    await turn();
  }
  expect(paths).toHaveLength(MAX_UNANSWERED);
});

it("the request feed leaves a connection alone if other code reads its bytes", async () => {
  const heard: string[] = [];
  const { socket, paths } = connect({
    prepare: (accepted) => {
      accepted.on("data", (chunk: Buffer) => heard.push(chunk.toString()));
    },
  });
  const chunk = request("/").repeat(MAX_UNANSWERED + 4);
  socket.push(chunk);
  await turn();
  expect(heard.join("")).toBe(chunk);
  expect(paths).toHaveLength(MAX_UNANSWERED + 4);
});

it("the request feed parses the requests that wait for its next turn before the end of the connection", async () => {
  const { socket, paths } = connect({ handle: (response) => response.end() });
  await turn();
  socket.push(request("/").repeat(MAX_UNANSWERED + 4));
  socket.push(null);
  await once(socket, "end");
  expect(paths).toHaveLength(MAX_UNANSWERED + 4);
});

it("the request feed parses all requests that their handlers answer before the end of the connection", async () => {
  const { socket, paths } = connect({ handle: (response) => response.end() });
  await turn();
  socket.push(request("/").repeat(5 * MAX_UNANSWERED + 4));
  socket.push(null);
  await once(socket, "finish");
  expect(paths).toHaveLength(5 * MAX_UNANSWERED + 4);
});

it("the request feed reports the end of the connection when a handler has not returned", async () => {
  const aborted = vi.fn<() => void>();
  const { socket, paths } = connect({
    handle: (response) => response.req.once("aborted", aborted),
  });
  await turn();
  socket.push(request("/").repeat(2 * MAX_UNANSWERED));
  socket.push(null);
  await once(socket, "close");
  expect(paths).toHaveLength(MAX_UNANSWERED);
  expect(aborted).toHaveBeenCalledTimes(MAX_UNANSWERED);
});

it("the request feed closes a connection with an upgrade that comes after its end was read", async () => {
  const { socket, paths } = connect({
    handle: (response) => response.end(),
    upgrade: (upgraded) => upgraded.resume(),
  });
  await turn();
  const upgrade = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: a\r\n\r\nmore";
  socket.push(`${request("/").repeat(3 * MAX_UNANSWERED)}${upgrade}`);
  socket.push(null);
  await once(socket, "close");
  expect(paths).toHaveLength(3 * MAX_UNANSWERED);
});

it("the request feed waits until the client reads, although a handler has resumed the socket", async () => {
  let read: (() => void) | undefined;
  const { socket, paths } = connect({
    handle(response) {
      response.end("x".repeat(100_000));
      response.req.socket.resume();
    },
    write: (written) => (read = written),
  });
  // The feed parses up to an empty line in the body, and then would parse the rest.
  const body = "\r\n\r\n".repeat(MAX_UNANSWERED);
  const post = `POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  socket.push(`${request("/0")}${post}${request("/2")}`);
  await turn();
  expect(paths).toEqual(["/0", "/1"]);
  await vi.waitFor(() => {
    read?.();
    expect(paths).toEqual(["/0", "/1", "/2"]);
  });
});

it("the request feed finds the end of a chunked body that is split between two chunks", async () => {
  const bodies: string[] = [];
  const { socket, paths } = connect({
    handle({ req }) {
      if (req.url === "/body") void text(req).then((body) => bodies.push(body));
    },
  });
  const post = "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  socket.push(`${request("/").repeat(MAX_UNANSWERED - 1)}${post}4\r\nbody\r\n0\r\n`);
  await turn();
  socket.push(`\r\n${request("/next").repeat(2)}`);
  await vi.waitFor(() => expect(bodies).toEqual(["body"]));
  expect(paths).toHaveLength(MAX_UNANSWERED);
});
