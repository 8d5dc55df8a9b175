import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { BundledProgram } from "../../support/bundled-program.ts";
import { TLS } from "../../support/certificate.ts";

let program: BundledProgram;

beforeAll(async () => {
  program = await BundledProgram.bundle("test/node/environment/flush-on-exit-program.ts");
});

afterAll(async () => {
  await program[Symbol.asyncDispose]();
});

/** Resolves with all messages that a peer of the program receives, and the close code. */
async function received(peer: WebSocket): Promise<unknown[]> {
  const messages: unknown[] = [];
  peer.on("message", (message: Buffer) => messages.push(message.toString()));
  const [code] = (await once(peer, "close")) as [number];
  return [...messages, code];
}

const LAST_OUTPUT = ["bye", 4000];

/** Makes a server exit, and expects its last output at all clients. */
async function expectLastOutput(kind: string, isInListener: boolean, options = {}): Promise<void> {
  await using running = program.start({}, JSON.stringify({ kind, isInListener, options }));
  const url = (await running.firstLine)!.replace("http", "ws");
  const peers = [1, 2].map(() => new WebSocket(url, { rejectUnauthorized: false }));
  await Promise.all(peers.map((peer) => once(peer, "open")));
  const results = peers.map(received);
  // The server calls the handler of the first connection when it exits.
  peers[0].send("exit");
  expect(await Promise.all(results)).toEqual([LAST_OUTPUT, LAST_OUTPUT]);
  expect({ code: await running.exited, stderr: running.stderr }).toEqual({ code: 3, stderr: "" });
}

describe.each([
  ["when the process calls process.exit", false],
  ["when the process exits, and an exit listener sends", true],
])("%s", (_name, isInListener) => {
  it.each([
    ["tideway/server", "", {}],
    ["tideway/server", " without fast paths", { fastPaths: false }],
    ["a server of tideway/ws", "", {}],
  ])("%s%s writes the output of the last turn to all clients", async (kind, _options, options) => {
    await expectLastOutput(kind, isInListener, options);
  });

  it.each(["tideway", "a client of tideway/ws"])(
    "%s writes the output of the last turn to the server",
    async (kind) => {
      const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
      await once(server, "listening");
      const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
      await using running = program.start({}, JSON.stringify({ kind, isInListener, url }));
      const [peer] = (await once(server, "connection")) as [WebSocket];
      const result = received(peer);
      peer.send("exit");
      expect(await result).toEqual(LAST_OUTPUT);
      expect(await running.exited).toBe(3);
      server.close();
    },
  );
});

it("over TLS, a server that calls process.exit writes the output of the last turn", async () => {
  await expectLastOutput("tideway/server", false, { tls: TLS });
});

it("several copies of the package share one listener for the exit of the process", async () => {
  Reflect.deleteProperty(process, Symbol.for("tideway.flushQueues"));
  const before = process.listeners("exit");
  const flushed: number[] = [];
  for (const copy of [1, 2]) {
    vi.resetModules();
    const { flushOnExit } = await import("../../../src/node/environment/flush-on-exit.ts");
    const { FlushQueue } = await import("../../../src/connection/flush-queue.ts");
    const queue = new FlushQueue(() => {});
    queue.add({ flush: () => void flushed.push(copy) });
    flushOnExit(queue);
  }
  const added = process.listeners("exit").filter((listener) => !before.includes(listener));
  expect(added).toHaveLength(1);
  added[0](0);
  expect(flushed).toEqual([1, 2]);
  process.off("exit", added[0]);
});
