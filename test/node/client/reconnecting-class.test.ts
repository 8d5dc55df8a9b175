/** The features that only the `ReconnectingWebSocket` of Node has. */
import { CloseEvent, ReconnectingWebSocket, UnexpectedStatusError } from "tideway";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { startServer } from "../../suite/start.ts";
import { createReconnectingClass } from "../../../src/node/client/reconnecting-class.ts";
import { FakeNetwork } from "../../client/fake-connector.ts";
import { deferred, serveBytes } from "../../support/servers.ts";

describe("options of a ReconnectingWebSocket in Node", () => {
  const open = (options: object): ReconnectingWebSocket =>
    new ReconnectingWebSocket("ws://127.0.0.1:1", options);

  it.each([
    [{ initialDelayMs: -1 }, "initialDelayMs is -1; it must be a number from 0 to 2147483647"],
    [
      { handshakeTimeoutMs: 0 },
      "handshakeTimeoutMs is 0; it must be a number above 0 and at most 2147483647",
    ],
    [{ maxDelayMs: NaN }, "maxDelayMs is NaN; it must be a number from 0 to 2147483647"],
    [
      { stableAfterMs: 2 ** 31 },
      "stableAfterMs is 2147483648; it must be a number from 0 to 2147483647",
    ],
    [
      { maxQueuedBytes: () => 1 },
      "maxQueuedBytes is a function; it must be a number from 0 to 2147483647",
    ],
    [{ random: 0.5 }, "random is 0.5; it must be a function"],
    [{ timers: {} }, "timers is {}; it must be an object with setTimeout and clearTimeout"],
    [{ maxQueuedBytes: "1" }, 'maxQueuedBytes is "1"; it must be a number from 0 to 2147483647'],
    [{ initialDelay: 1 }, "there is no option initialDelay; did you mean initialDelayMs?"],
    [{ headers: {} }, "there is no option headers; pass it in webSocketOptions"],
    [{ reconnectionDelay: 5 }, "there is no option reconnectionDelay; pass initialDelayMs instead"],
    [
      { heartbeat: { idleMs: 1 } },
      'heartbeat is {"idleMs":1}; it must be a function, such as the result of heartbeat({ message })',
    ],
    [{ decide: "stop" }, 'decide is "stop"; it must be a function'],
    [{ timers: null }, "timers is null; it must be an object with setTimeout and clearTimeout"],
  ])("throw a precise error: %j", (options, sentence) => {
    const expected = expect.objectContaining({
      name: "UsageError",
      code: "INVALID_OPTION",
      message: `ReconnectingWebSocket: ${sentence}`,
    });
    expect(() => open(options)).toThrow(expected);
    const socket = open({ protocols: "a", random: undefined });
    expect(() => (socket.options = options as object)).toThrow(expected);
    expect(socket.options.protocols).toBe("a");
    socket.close();
  });
});

it("a ReconnectingWebSocket reports in its close event why it stopped, as a WebSocket does", async () => {
  const server = await startServer({
    routes: {
      "ws:/": { authorize: () => new Response("", { status: 401 }), handle: () => {} },
    },
  });
  const socket = new server.ReconnectingWebSocket(`${server.url}/`);
  const close = await socket.onClose.first;
  expect(close).toBeInstanceOf(CloseEvent);
  expect(close).toMatchObject({ code: 1006, wasClean: false });
  expect(close.error).toBeInstanceOf(UnexpectedStatusError);
});

it("a ReconnectingWebSocket reports no error when its close method is called", async () => {
  const server = await startServer({ routes: { "ws:/": () => {} } });
  const socket = new server.ReconnectingWebSocket(`${server.url}/`);
  await socket.onOpen.first;
  const closed = socket.onClose.first;
  socket.close();
  expect(await closed).toMatchObject({ wasClean: true });
  expect("error" in (await closed)).toBe(false);
});

describe("send", () => {
  const resizable = (): Uint8Array =>
    new Uint8Array(Reflect.construct(ArrayBuffer, [1, { maxByteLength: 2 }]) as ArrayBuffer);
  const detached = (): ArrayBuffer => {
    const buffer = new ArrayBuffer(4);
    structuredClone(buffer, { transfer: [buffer] });
    return buffer;
  };
  const data: ReadonlyArray<readonly [string, () => unknown]> = [
    ["a view of shared memory", () => new Uint8Array(new SharedArrayBuffer(1))],
    ["shared memory", () => new SharedArrayBuffer(1)],
    ["a view of a resizable buffer", resizable],
    ["a resizable buffer", () => resizable().buffer],
    ["a detached buffer", detached],
    ["a buffer of another realm", () => runInNewContext("new Uint8Array([1, 2]).buffer")],
    ["a symbol", () => Symbol("s")],
    ["an object", () => ({ toString: () => "object" })],
    ["a lone surrogate", () => "\u{D800}"],
  ];

  it.each(data)("treats %s in the same way while connecting and while open", async (_, make) => {
    const received = deferred<unknown[]>();
    const server = await startServer({
      routes: {
        "ws:/": async (socket) => {
          const messages: unknown[] = [];
          for await (const message of socket) {
            if (message === "end") received.resolve(messages);
            else messages.push(message);
          }
        },
      },
    });
    const socket = new server.ReconnectingWebSocket(`${server.url}/`);
    const attempt = (): string => {
      try {
        socket.send(make() as string);
        return "taken";
      } catch (error) {
        return (error as Error).name;
      }
    };
    const waiting = attempt();
    await socket.onOpen.first;
    expect(attempt()).toBe(waiting);
    socket.send("end");
    const messages = await received.promise;
    expect(messages).toHaveLength(waiting === "taken" ? 2 : 0);
    expect(messages[1]).toEqual(messages[0]);
    socket.close();
  });
});

it("a ReconnectingWebSocket applies its own handshakeTimeoutMs to each attempt", () => {
  const network = new FakeNetwork();
  const Class = createReconnectingClass(network.WebSocket);
  const sockets = [
    new Class("ws://host/", { handshakeTimeoutMs: 60_000, protocols: "a" }),
    new Class("ws://host/", { webSocketOptions: { handshakeTimeoutMs: 7 } }),
  ];
  const observed = network.attempts.map(({ request }) => request.options.handshakeTimeoutMs);
  expect(observed).toEqual([2 ** 31 - 1, 7]);
  expect(network.attempts[0].request.protocols).toEqual(["a"]);
  for (const socket of sockets) socket.close();
});

it("a ReconnectingWebSocket fails an attempt that the server does not answer within handshakeTimeoutMs", async () => {
  const socket = new ReconnectingWebSocket(await serveBytes(() => {}), { handshakeTimeoutMs: 1 });
  const { error } = await socket.onError.first;
  expect(error).toMatchObject({
    code: "HANDSHAKE_TIMEOUT",
    message: expect.stringContaining(" 1"),
  });
  socket.close();
});
