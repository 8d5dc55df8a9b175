import { WebSocket, WebSocketStream } from "tideway";
import { ConnectionClosedError, serve, type Server, type Socket } from "tideway/server";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createNamespaces, createProxies, type Network, whyNoNamespaces } from "./networks.ts";
import { collectGarbage } from "../support/collect-garbage.ts";

/** Longer than the client takes to start everything before the network is cut. */
const HEARTBEAT = { idleMs: 1000, timeoutMs: 1000 };
const CLOSE_TIMEOUT_MS = 1000;

/** More than the kernel buffers. */
const MUCH = Array.from({ length: 24 }, () => new Uint8Array(1_048_576));

const obstacle = await whyNoNamespaces();
const CABLE = { name: "a disconnected cable", create: createNamespaces };
const PROXY = { name: "a proxy that forwards nothing", create: createProxies };
const networks = obstacle === undefined ? [CABLE, PROXY] : [PROXY];

it.skipIf(obstacle !== undefined)(
  `this machine has network namespaces, between which a test can disconnect a cable${obstacle === undefined ? "" : `: no, ${obstacle}`}`,
  () => expect(networks).toContain(CABLE),
);

/** Whether an object is collected once it is unreferenced. */
async function isCollected(ref: WeakRef<object>): Promise<boolean> {
  for (let turn = 0; turn < 20; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
    if (ref.deref() === undefined) return true;
  }
  return false;
}

/** The outcome of a connection after its peer was cut off. */
interface Ended {
  readonly code: number;
  readonly errorCode: string | undefined;
}

const DEAD: Ended = { code: 1006, errorCode: "HEARTBEAT_TIMEOUT" };
const UNANSWERED: Ended = { code: 1006, errorCode: "CLOSE_TIMEOUT" };

describe.each(networks)("behind $name, a server", ({ create }) => {
  const PATHS = ["/idle", "/flood", "/sending", "/closing"];
  const sockets = new Map<string, WeakRef<Socket>>();
  const ended = new Map<string, Promise<Ended>>();
  const thrown = new Map<string, unknown>();
  let network: Network;
  let server: Server;

  beforeAll(async () => {
    network = await create();
    server = await serve({
      port: 0,
      host: network.ownHost,
      heartbeat: HEARTBEAT,
      closeTimeoutMs: CLOSE_TIMEOUT_MS,
      slowConsumer: "wait",
      routes: {
        "ws:/:path": async (socket, { params: { path } }) => {
          sockets.set(`/${path}`, new WeakRef(socket));
          ended.set(
            `/${path}`,
            socket.done.then(({ code, error }) => ({ code, errorCode: error?.code })),
          );
          try {
            // After its first message, the flood is not read.
            for await (const _ of socket) if (path === "flood") await socket.done;
          } catch (error) {
            thrown.set(`/${path}`, error);
          }
        },
      },
    });
    const port = await network.reach(network.ownHost, server.port);
    await network.startPeer("client", `ws://${network.ownHost}:${port}`, ...PATHS);
    await network.cut();
    sockets.get("/closing")!.deref()!.close(1000);
    for (const path of ["/flood", "/sending"]) sendMuch(path);
  });

  afterAll(async () => {
    await server.stop({ timeoutMs: 1 });
    await network.remove();
  });

  function sendMuch(path: string): void {
    const socket = sockets.get(path)!.deref()!;
    for (const message of MUCH) socket.send(message);
  }

  it.each([
    ["/idle", "that is idle", DEAD],
    ["/flood", "that is not read, with unsent bytes", DEAD],
    ["/sending", "that sends much data", DEAD],
    ["/closing", "that is closing", UNANSWERED],
  ])("detects the lost peer of %s, a socket %s", async (path, _what, expected) => {
    expect(await ended.get(path)!).toEqual(expected);
    // Complete messages received before the cut are read first.
    await vi.waitUntil(() => thrown.has(path), 10_000);
    expect(thrown.get(path)).toBeInstanceOf(ConnectionClosedError);
    expect(thrown.get(path)).toMatchObject({ closeCode: 1006 });
  });

  it("keeps no reference to sockets with a lost peer", async () => {
    await Promise.all(ended.values());
    expect(server.sockets.size).toBe(0);
    thrown.clear();
    for (const [path, socket] of sockets) {
      expect([path, await isCollected(socket)]).toEqual([path, true]);
    }
  });
});

describe.each(networks)("behind $name, a client", ({ create }) => {
  const options = { heartbeat: HEARTBEAT, closeTimeoutMs: CLOSE_TIMEOUT_MS };
  let network: Network;
  let url: string;

  beforeAll(async () => {
    network = await create();
    const port = await network.reach(
      network.peerHost,
      Number(await network.startPeer("server", network.peerHost)),
    );
    url = `ws://${network.peerHost}:${port}`;
  });

  afterAll(async () => await network.remove());

  function endOf(socket: WebSocket): Promise<Ended> {
    let errorCode: string | undefined;
    socket.addEventListener("error", ({ error }: Event & { error?: { code: string } }) => {
      errorCode = error?.code;
    });
    return new Promise((resolve) => {
      socket.addEventListener("close", ({ code }) => resolve({ code, errorCode }));
    });
  }

  it("detects the lost server of a socket in any state", async () => {
    const [idle, sending, closing] = ["/idle", "/sending", "/closing"].map(
      (path) => new WebSocket(url + path, options),
    );
    const stream = new WebSocketStream(`${url}/flood`, options);
    const ends = [idle, sending, closing].map(endOf);
    await Promise.all([idle, sending, closing].map((socket) => socket.onOpen.first));
    const { writable } = await stream.opened;
    await network.cut();
    closing.close(1000);
    for (const message of MUCH) sending.send(message);
    const writer = writable.getWriter();
    writer.closed.catch(() => {});
    const written = Promise.allSettled(MUCH.map((message) => writer.write(message)));
    expect(await Promise.all(ends)).toEqual([DEAD, DEAD, UNANSWERED]);
    await expect(stream.closed).rejects.toMatchObject({ closeCode: 1006 });
    expect((await written).at(-1)!.status).toBe("rejected");
  });
});
