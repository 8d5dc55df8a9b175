import { once } from "node:events";
import { describe, expect, it } from "vitest";
import type { WebSocket as Client } from "../../../src/node/index.ts";
import {
  acceptance,
  deferred,
  ReconnectingWebSocket,
  serveBytes,
  WebSocket,
} from "../../support/servers.ts";

/** A socket to a server that sends a to f and a Close frame in one write once `ready` is called. */
async function burst(
  Class: typeof WebSocket | typeof ReconnectingWebSocket = WebSocket,
): Promise<{ socket: Client; ready: () => void }> {
  const isReady = deferred<void>();
  const url = await serveBytes((socket, request) => {
    socket.write(acceptance(request));
    void isReady.promise.then(() => {
      const frames = "abcdef".replace(/./g, "\x81\x01$&");
      socket.end(`${frames}\x88\x02\x03\xe8`, "latin1");
    });
  });
  const socket = new Class(url);
  await socket.onOpen.first;
  return { socket, ready: () => isReady.resolve() };
}

type Take = (socket: Client) => Promise<{ readonly data: unknown }>;

const TAKES: Readonly<Record<string, Take>> = {
  "first of onMessage": (socket) => socket.onMessage.first,
  "first of where and map": (socket) => socket.onMessage.where(() => true).map((x) => x).first,
  "a listener with once": (socket) =>
    new Promise((resolve) => {
      socket.addEventListener("message", resolve, { once: true });
    }),
  "a listener with a signal": (socket) =>
    new Promise((resolve) => {
      const controller = new AbortController();
      const listener = (event: { readonly data: unknown }): void => {
        resolve(event);
        controller.abort();
      };
      socket.addEventListener("message", listener, { signal: controller.signal });
    }),
  "a listener that removes itself": (socket) =>
    new Promise((resolve) => {
      const listener = (event: { readonly data: unknown }): void => {
        socket.removeEventListener("message", listener);
        resolve(event);
      };
      socket.addEventListener("message", listener);
    }),
  "a permanent listener": (socket) =>
    new Promise((resolve) => {
      socket.addEventListener("message", resolve);
    }),
  "onmessage, replaced each time": (socket) =>
    new Promise((resolve) => void (socket.onmessage = resolve)),
  "once of node:events": async (socket) => (await once(socket, "message"))[0] as { data: unknown },
  "an iterator each time": async (socket) => {
    const iterator = socket.onMessage[Symbol.asyncIterator]();
    const { value } = await iterator.next();
    await iterator.return();
    return value!;
  },
};

describe.each(Object.entries(TAKES))("messages from one read, awaited with %s,", (_, take) => {
  it.each([
    ["alone", false, WebSocket],
    ["next to an ordinary listener", true, WebSocket],
    ["of a ReconnectingWebSocket", false, ReconnectingWebSocket],
  ])("arrive one by one, %s, and before the close event", async (__, isBeside, Class) => {
    const { socket, ready } = await burst(Class);
    const all: unknown[] = [];
    if (isBeside) socket.addEventListener("message", ({ data }) => all.push(data));
    const observed: unknown[] = [];
    ready();
    for (let count = 0; count < 6; count++) {
      observed.push((await take(socket)).data);
      for (let hop = 0; hop < 5; hop++) await Promise.resolve();
    }
    expect(observed.join("")).toBe("abcdef");
    expect((await socket.onClose.first).code).toBe(1000);
    if (isBeside) expect(all.join("")).toBe("abcdef");
  });
});

it("messages from one read share a task if the same listener receives them", async () => {
  const { socket, ready } = await burst();
  const tasks: number[] = [];
  let task = 0;
  socket.addEventListener("message", () => {
    tasks.push(task);
    setImmediate(() => task++);
  });
  ready();
  await socket.onClose.first;
  expect(new Set(tasks).size).toBeLessThanOrEqual(2);
});

it("messages received before a reset are delivered although a task was awaited", async () => {
  const url = await serveBytes((socket, request) => {
    socket.write(`${acceptance(request)}${"\x81\x01a".repeat(50)}`, "latin1", () => {
      socket.destroy();
    });
  });
  const socket = new WebSocket(url);
  let count = 0;
  socket.onmessage = () => {
    count++;
    socket.onmessage = socket.onmessage!.bind(null);
  };
  await socket.onClose.first;
  expect(count).toBe(50);
});
