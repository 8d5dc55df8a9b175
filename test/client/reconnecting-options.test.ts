/** What the `ReconnectingWebSocket` of Node says beyond that of a page. */
import { CloseEvent, ReconnectingWebSocket, UnexpectedStatusError } from "tideway";
import { describe, expect, it } from "vitest";
import { startServer } from "../suite/start.ts";

describe("options of a ReconnectingWebSocket in Node", () => {
  const open = (options: object): ReconnectingWebSocket =>
    new ReconnectingWebSocket("ws://127.0.0.1:1", options);

  it.each([
    [{ initialDelayMs: -1 }, "initialDelayMs is -1, not a number from 0 to 2147483647"],
    [{ maxQueuedBytes: "1" }, 'maxQueuedBytes is "1", not a number from 0 to 2147483647'],
    [{ initialDelay: 1 }, "there is no option initialDelay"],
    [{ headers: {} }, "there is no option headers"],
    [
      { heartbeat: { idleMs: 1 } },
      'heartbeat is {"idleMs":1}, not a function, such as heartbeat({ message }) makes',
    ],
    [{ decide: "stop" }, 'decide is "stop", not a function'],
    [{ timers: null }, "timers is null, not an object with setTimeout and clearTimeout"],
  ])("are refused in a sentence: %j", (options, sentence) => {
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

it("tells in its close event why it stopped, as a WebSocket does", async () => {
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

it("closed by its owner has no error to tell of", async () => {
  const server = await startServer({ routes: { "ws:/": () => {} } });
  const socket = new server.ReconnectingWebSocket(`${server.url}/`);
  await socket.onOpen.first;
  const closed = socket.onClose.first;
  socket.close();
  expect(await closed).toMatchObject({ wasClean: true });
  expect("error" in (await closed)).toBe(false);
});
