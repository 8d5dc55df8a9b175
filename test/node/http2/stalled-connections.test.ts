import { constants } from "node:http2";
import type { CloseInfo, Server, Socket } from "tideway/server";
import { expect, it, onTestFinished, vi } from "vitest";
import {
  codeOf,
  connectFrame,
  dataFrame,
  FrameType,
  headersFrame,
  RawClient,
  settingsPayload,
  windowFrame,
} from "./raw-client.ts";
import { connectionsOf, startTls } from "./support.ts";

/** More than the kernel buffers. */
const LARGE_WINDOW = 0x2fffffff;

/** Sends while the client reads. When that stalls, ends each socket in the way its path names. */
class Sender {
  readonly ends: CloseInfo[] = [];
  readonly #sockets = new Map<Socket, string>();
  #sent = 0;

  readonly handle = (socket: Socket, { url }: { url: URL }): void => {
    this.#sockets.set(socket, url.pathname);
    void socket.done.then((info) => this.ends.push(info));
    this.#feed(socket);
  };

  #feed(socket: Socket): void {
    if (socket.readyState !== 1) return;
    if (socket.bufferedAmount < 400_000) {
      socket.send(new Uint8Array(65_536));
      this.#sent++;
    }
    setImmediate(() => this.#feed(socket));
  }

  /** Waits until output stops. */
  async stalls(count: number): Promise<void> {
    let sent = 0;
    await vi.waitFor(() => {
      const before = sent;
      sent = this.#sent;
      expect(this.#sockets.size).toBe(count);
      expect(sent).toBe(before);
    }, 20_000);
  }

  end(): void {
    for (const [socket, path] of this.#sockets) {
      if (path === "/terminate") socket.terminate();
      else if (path === "/close") socket.close(1000);
    }
  }
}

interface Stalled {
  readonly server: Server;
  readonly client: RawClient;
  readonly sender: Sender;
}

/** A stalled connection with a socket for each path. */
async function stall(
  paths: readonly string[],
  { window, readsTcp }: { window: number; readsTcp: boolean },
  handshakeTimeoutMs = 300_000,
): Promise<Stalled> {
  const sender = new Sender();
  const { handle } = sender;
  const server = await startTls({
    handshakeTimeoutMs,
    closeTimeoutMs: 50,
    heartbeat: false,
    routes: {
      "/page": () => new Response("page"),
      "ws:/silent": { heartbeat: { idleMs: 1000, timeoutMs: 50 }, handle },
      "ws:/quiet": () => {},
      "ws:/:how": handle,
    },
  });
  const client = await RawClient.open(server, settingsPayload(4, window));
  if (!readsTcp) client.socket.pause();
  const handshakes = paths.map((path, index) => connectFrame(2 * index + 1, path));
  client.send(windowFrame(0, LARGE_WINDOW), ...handshakes);
  if (!readsTcp) client.send(windowFrame(2 * paths.length - 1, LARGE_WINDOW));
  await sender.stalls(paths.filter((path) => path !== "/quiet").length);
  return { server, client, sender };
}

const ENDED = ["/terminate", "/close", "/silent"];

it("sockets with a closed window end in time, and their connection serves the next request", async () => {
  const { client, sender } = await stall(ENDED, { window: 100, readsTcp: true });
  sender.end();
  await vi.waitFor(() => expect(sender.ends).toHaveLength(3), 20_000);
  for (const id of [1, 3, 5]) {
    expect(codeOf(await client.receives(FrameType.RstStream, id))).toBe(constants.NGHTTP2_CANCEL);
  }
  client.send(headersFrame(7, [...PAGE, [":path", "/page"]], true));
  await client.receives(FrameType.Headers, 7);
});

it.each([
  ["", LARGE_WINDOW],
  // The last socket gets a large window so that its data fills the buffers of the kernel.
  [" and has closed their windows", 100],
])(
  "sockets of a client that reads nothing%s end in time, and their connection ends too",
  async (...the) => {
    const [, window] = the;
    const { server, sender } = await stall([...ENDED, "/close"], { window, readsTcp: false });
    sender.end();
    // Does not wait for the client, because the reset cannot reach it.
    await vi.waitFor(() => expect(sender.ends).toHaveLength(4), 20_000);
    for (const { code } of sender.ends) expect(code).toBe(1006);
    expect(server.sockets.size).toBe(0);
    await vi.waitFor(async () => expect(await connectionsOf(server)).toBe(0), 20_000);
  },
);

it("a client that sends and never reads loses its connection despite an open socket", async () => {
  const options = { window: LARGE_WINDOW, readsTcp: false };
  const { server, client, sender } = await stall(["/terminate", "/quiet"], options, 100);
  const ping = Buffer.from("898000000000", "hex");
  const interval = setInterval(() => client.send(dataFrame(3, ping)), 10);
  onTestFinished(() => clearInterval(interval));
  expect(server.sockets.size).toBe(2);
  sender.end();
  await vi.waitFor(async () => expect(await connectionsOf(server)).toBe(0), 20_000);
  expect(server.sockets.size).toBe(0);
});

const PAGE = [
  [":method", "GET"],
  [":scheme", "https"],
  [":authority", "localhost"],
] as const;
