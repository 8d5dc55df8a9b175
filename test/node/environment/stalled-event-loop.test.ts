import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { type Socket, serve } from "tideway/server";
import { expect, it, onTestFinished } from "vitest";

/** A peer in another thread. It answers a ping when `state` says that the server is stalled. */
const PEER = `
  const { parentPort, workerData } = require("node:worker_threads");
  const { WebSocket } = require("ws");
  const socket = new WebSocket(workerData.url, { autoPong: false });
  socket.on("ping", (payload) => {
    parentPort.postMessage("ping");
    Atomics.wait(workerData.state, 0, 0);
    socket.pong(payload);
  });
  socket.on("error", () => {});
  socket.on("close", () => parentPort.close());
`;

it("a server keeps a peer if its pong arrives while the event loop is stalled for longer than timeoutMs", async () => {
  let accept!: (socket: Socket) => void;
  const accepted = new Promise<Socket>((resolve) => (accept = resolve));
  await using server = await serve({
    port: 0,
    heartbeat: { idleMs: 50, timeoutMs: 1_000 },
    routes: {
      "ws:/": async (socket) => {
        accept(socket);
        await socket.done;
      },
    },
  });
  const state = new Int32Array(new SharedArrayBuffer(4));
  const url = `ws://127.0.0.1:${server.port}/`;
  const peer = new Worker(PEER, { eval: true, workerData: { url, state } });
  onTestFinished(async () => void (await peer.terminate()));
  const firstPing = once(peer, "message");
  const socket = await accepted;
  await firstPing;
  Atomics.store(state, 0, 1);
  Atomics.notify(state, 0);
  // The stall: nothing else runs on this thread.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_300);
  const next = await Promise.race([once(peer, "message"), socket.done]);
  expect(next).toEqual(["ping"]);
  expect(socket.readyState).toBe(1);
});
