import { once } from "node:events";
import { PassThrough } from "node:stream";
import type { RefusalReport } from "tideway/server";
import { describe, expect, it, vi } from "vitest";
import { EarlyDataBuffer } from "../../../src/node/requests/early-data-buffer.ts";
import { ByteBudget } from "../../../src/protocol/byte-budget.ts";
import { answerOf, extendedConnect, openSession, startTls } from "../http2/support.ts";
import { handshake, RawClient, statusOf } from "../../support/clients.ts";
import { SERVER_KINDS } from "../../support/server-kinds.ts";

const MAX = 10_000;

function waiting(): { routes: object; decide: (state: object) => void; asked: () => number } {
  const decisions: Array<(state: object) => void> = [];
  const authorize = (): Promise<object> => new Promise((resolve) => decisions.push(resolve));
  return {
    routes: { "ws:/": { authorize, handle: () => {} } },
    decide: (state) => decisions.forEach((decide) => decide(state)),
    asked: () => decisions.length,
  };
}

it.each(SERVER_KINDS)(
  "bytes that wait for authorize count for maxUnfinishedBytes, over $name",
  async ({ start }) => {
    const reports: RefusalReport[] = [];
    const onRefused = (report: RefusalReport): unknown => reports.push(report);
    const { routes, decide, asked } = waiting();
    await using server = await start(routes as never, { maxUnfinishedBytes: MAX, onRefused });
    const longTimeout = new RawClient(server).send(handshake("/") + "x".repeat(MAX / 2));
    await vi.waitFor(() => expect(asked()).toBe(1));
    const greedy = new RawClient(server).send(handshake("/"));
    await vi.waitFor(() => expect(asked()).toBe(2));
    greedy.send("x".repeat(MAX));
    expect(statusOf(await greedy.closed())).toBe(503);
    expect(reports).toMatchObject([{ status: 503, option: "maxUnfinishedBytes" }]);
    // Its share of the budget is free again.
    const next = new RawClient(server).send(handshake("/") + "x".repeat(MAX / 4));
    await vi.waitFor(() => expect(asked()).toBe(3));
    decide({});
    await longTimeout.receives("101 Switching Protocols");
    await next.receives("101 Switching Protocols");
    for (const { socket } of [longTimeout, next]) socket.destroy();
  },
);

it.runIf(SERVER_KINDS.length > 1)(
  "bytes that wait for authorize count for maxUnfinishedBytes, over HTTP/2",
  async () => {
    const { routes, asked } = waiting();
    const server = await startTls({
      maxUnfinishedBytes: MAX,
      onRefused: () => {},
      routes: routes as never,
    });
    const stream = extendedConnect(await openSession(server), "/");
    await vi.waitFor(() => expect(asked()).toBe(1));
    stream.end("x".repeat(MAX + 1));
    expect(await answerOf(stream)).toMatchObject({ status: 503 });
  },
);

describe("EarlyDataBuffer", () => {
  function makeBuffer(head: string): {
    socket: PassThrough;
    budget: ByteBudget;
    buffer: EarlyDataBuffer;
    calls: string[];
  } {
    const socket = new PassThrough();
    const budget = new ByteBudget(1_000_000);
    const calls: string[] = [];
    const buffer = new EarlyDataBuffer(socket, Buffer.from(head), budget, {
      onGone: () => calls.push("gone"),
      onFull: () => calls.push("full"),
    });
    buffer.start();
    return { socket, budget, buffer, calls };
  }

  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it("reads until it holds 65,536 bytes, including bytes after the head, and then stops", async () => {
    const { socket, buffer, calls } = makeBuffer("head");
    socket.write(Buffer.alloc(65_531, "a"));
    await turn();
    expect(socket.isPaused()).toBe(false);
    socket.write("b");
    await turn();
    expect(socket.isPaused()).toBe(true);
    socket.write("later");
    await turn();
    expect(String(buffer.release())).toBe(`head${"a".repeat(65_531)}b`);
    expect(calls).toEqual([]);
  });

  it("returns its bytes to the budget on release and leaves the rest unread", async () => {
    const { socket, budget, buffer } = makeBuffer("head");
    expect(budget.take(999_997)).toBe(false);
    expect(String(buffer.release())).toBe("head");
    expect(budget.take(1_000_000)).toBe(true);
    socket.write("later");
    await turn();
    expect(String(socket.read())).toBe("later");
  });

  it("ignores what the socket does after release", async () => {
    const { socket, budget, buffer, calls } = makeBuffer("head");
    buffer.release();
    socket.resume().end("later");
    await once(socket, "close");
    expect(calls).toEqual([]);
    expect(budget.take(1_000_000)).toBe(true);
    expect(buffer.release()).toHaveLength(0);
  });

  it.each<[string, (socket: PassThrough) => unknown]>([
    ["ends", (socket) => socket.end()],
    ["closes", (socket) => socket.destroy()],
  ])("reports once that the client has left when the socket %s", async (_, end) => {
    const { socket, budget, calls } = makeBuffer("head");
    end(socket);
    await turn();
    socket.destroy();
    await turn();
    expect(calls).toEqual(["gone"]);
    expect(budget.take(1_000_000)).toBe(true);
  });

  it("reports a full budget, both for the first bytes and for later ones", async () => {
    const full = makeBuffer("");
    full.budget.take(999_998);
    full.socket.write("abc");
    await turn();
    expect(full.calls).toEqual(["full"]);
    const calls: string[] = [];
    const listener = { onGone: () => calls.push("gone"), onFull: () => calls.push("full") };
    new EarlyDataBuffer(
      new PassThrough(),
      Buffer.from("head"),
      new ByteBudget(3),
      listener,
    ).start();
    expect(calls).toEqual(["full"]);
  });
});
