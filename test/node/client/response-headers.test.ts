import { WebSocket, WebSocketStream } from "tideway";
import { type AuthorizeContext, serve } from "tideway/server";
import { beforeEach, expect, it, onTestFinished } from "vitest";

let url: string;

beforeEach(async () => {
  const server = await serve({
    host: "127.0.0.1",
    port: 0,
    routes: {
      "ws:/": {
        authorize: (_request: Request, { responseHeaders }: AuthorizeContext<object>) => {
          responseHeaders.append("Set-Cookie", "a=1");
          responseHeaders.append("Set-Cookie", "b=2");
          responseHeaders.set("X-Node", "7");
          return {};
        },
        handle: () => {},
      },
    },
  });
  url = server.url.replace("http", "ws");
  onTestFinished(async () => await server.stop({ timeoutMs: 1000 }));
});

it("the open event has the header fields of the response", async () => {
  const socket = new WebSocket(url);
  const { responseHeaders } = await socket.onOpen.first;
  expect(responseHeaders).toBeInstanceOf(Headers);
  expect(responseHeaders!.getSetCookie()).toEqual(["a=1", "b=2"]);
  expect(responseHeaders!.get("x-node")).toBe("7");
  expect(responseHeaders!.get("upgrade")).toBe("websocket");
  socket.close();
});

it("opened of a WebSocketStream has the header fields of the response", async () => {
  const stream = new WebSocketStream(url);
  const { responseHeaders } = await stream.opened;
  expect(responseHeaders!.getSetCookie()).toEqual(["a=1", "b=2"]);
  stream.close();
});
