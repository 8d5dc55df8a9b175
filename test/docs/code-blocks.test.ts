import { type ReconnectingWebSocket, WebSocket } from "tideway";
import { type Server, serve, type Socket } from "tideway/server";
import { connectedPair } from "tideway/testing";
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from "vitest";
import { BlockFolder, blockWith } from "./code-blocks.ts";

const folder = BlockFolder.forTests(import.meta.filename);

describe("the examples of the documentation", () => {
  let log: MockInstance<typeof console.log>;
  const servers: Server[] = [];

  beforeEach(() => {
    log = vi.spyOn(console, "log").mockImplementation(() => {});
  });

  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop();
    vi.restoreAllMocks();
  });

  /** Runs a block that starts a server on port 8080 or the default port, on a free port instead. */
  const startServer = async (code: string): Promise<Server> => {
    const onFreePort = code.replace(/port: 8080,?/, "").replace("serve({", "serve({ port: 0,");
    const { server } = await folder.run<{ server: Server }>(
      onFreePort.replace(/^(?:const server = )?await serve/m, "export const server = await serve"),
    );
    servers.push(server);
    return server;
  };

  it("serve files, HTTP routes and WebSockets", async () => {
    const code = blockWith('"get:/status"').replace('files("public")', 'files("docs")');
    const server = await startServer(code);
    const status = await fetch(`${server.url}/status`);
    expect(await status.json()).toEqual({ isUp: true });
    expect((await fetch(`${server.url}/static/options.md`)).status).toBe(200);
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/rooms/tea`);
    expect((await socket.onMessage.first).data).toBe("welcome to tea");
  });

  it("configure a route with subprotocols, origins and authorization", async () => {
    const server = await startServer(blockWith('protocols: ["chat.v2", "chat.v1"]'));
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/rooms/tea`, {
      protocols: ["chat.v1", "chat.v2"],
      headers: { origin: "https://example.com" },
    });
    expect((await socket.onMessage.first).data).toBe("welcome");
    expect(socket.protocol).toBe("chat.v2");
  });

  it("send messages to the clients of one room only", async () => {
    const server = await startServer(blockWith("const rooms = new Map"));
    const enter = async (path: string): Promise<WebSocket> => {
      const socket = new WebSocket(`ws://127.0.0.1:${server.port}/rooms/${path}`);
      await socket.onOpen.first;
      return socket;
    };
    const [ann, bob, other] = [
      await enter("tea?name=ann"),
      await enter("tea?name=bob"),
      await enter("coffee?name=cat"),
    ];
    const replies = [ann, bob].map(async (socket) => (await socket.onMessage.first).data);
    const receivedByOther = other.onMessage.first;
    ann.send("hello");
    expect(await Promise.all(replies)).toEqual(["ann: hello", "ann: hello"]);
    other.send("and here?");
    expect((await receivedByOther).data).toBe("cat: and here?");
    const closed = [ann, bob, other].map(async (socket) => {
      socket.close();
      return (await socket.onClose.first).wasClean;
    });
    expect(await Promise.all(closed)).toEqual([true, true, true]);
  });

  it("refuse a client that gives no name", async () => {
    const server = await startServer(blockWith("const rooms = new Map"));
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/rooms/tea`);
    await expect(socket.onOpen.first).rejects.toMatchObject({ closeCode: 1006, status: 401 });
  });

  it("use a socket in a handler", async () => {
    const code = blockWith("export async function handle(socket: Socket)");
    const { handle } = await folder.run<{ handle: (socket: Socket) => Promise<void> }>(code);
    const pair = await connectedPair();
    const received: unknown[] = [];
    pair.client.onMessage.listen(({ data }) => received.push(data));
    await handle(pair.server);
    expect(received).toEqual(["a lot", "one", "two", "three"]);
    expect(log.mock.calls).toContainEqual([4000, "", true]);
    expect(log.mock.calls).toContainEqual(["the messages have ended"]);
  });

  it("echo messages at the pace of the client", async () => {
    const server = await startServer(blockWith("if (!socket.send(message)) await socket.drained"));
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/echo`);
    await socket.onOpen.first;
    const reply = socket.onMessage.first;
    socket.send("hello");
    expect((await reply).data).toBe("hello");
  });

  /** A block with schemas that accept everything. */
  const withSchemas = (code: string): string => {
    const schema = '{ "~standard": { version: 1, vendor: "", validate: (value) => ({ value }) } }';
    return code.replaceAll(/declare const (\w+): StandardSchema<.*>;/g, `const $1 = ${schema};`);
  };

  it("validate typed messages", async () => {
    const server = await startServer(withSchemas(blockWith("schema: { receive: Move")));
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/game`);
    await socket.onOpen.first;
    const reply = socket.onMessage.first;
    socket.send('{"to":"e4"}');
    expect(JSON.parse((await reply).data as string)).toEqual({ type: "moved", to: "e4" });
  });

  it("answer invalid messages without closing", async () => {
    const schema = `{ "~standard": { version: 1, vendor: "", validate: (value) =>
      value?.to ? { value } : { issues: [{ message: "to is missing" }] } } }`;
    const code = blockWith('Move["~standard"].validate');
    const server = await startServer(
      code.replace(/declare const Move: .*;/, `const Move = ${schema};`),
    );
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/game`);
    await socket.onOpen.first;
    const replies = socket.onMessage[Symbol.asyncIterator]();
    for (const text of ["no JSON", '{"to":"e4"}']) socket.send(text);
    expect((await replies.next()).value?.data).toBe('{"error":"to is missing"}');
    expect((await replies.next()).value?.data).toBe('{"moved":"e4"}');
    await replies.return();
  });

  it("compress messages unless an option forbids it", async () => {
    const server = await startServer(blockWith("a secret, or a picture"));
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/prices`);
    expect((await socket.onMessage.first).data).toBe("a secret, or a picture");
    expect(socket.extensions).toContain("permessage-deflate");
  });

  it("use the standard interface of a client", async () => {
    const server = await serve({
      port: 0,
      routes: {
        "ws:/chat": {
          protocols: ["chat.v2"],
          handle: async (socket) => {
            for await (const message of socket) socket.send(message);
          },
        },
      },
    });
    servers.push(server);
    const { socket } = await folder.run<{ socket: WebSocket }>(
      blockWith('socket.addEventListener("open", () => socket.send("hello"))')
        .replace("wss://example.com", `ws://127.0.0.1:${server.port}`)
        .replace("const socket", "export const socket"),
    );
    expect((await socket.onMessage.first).data).toBe("hello");
    socket.close(1000);
    await socket.onClose.first;
    expect(log.mock.calls).toEqual([["hello"], [1000, ""]]);
  });

  it("reconnect, and keep a message until there is a connection", async () => {
    let deliver!: (message: string) => void;
    const delivered = new Promise<string>((resolve) => (deliver = resolve));
    const server = await serve({
      port: 0,
      routes: {
        "ws:/chat": (socket) => {
          socket.send("hi");
          socket.listen((message) => deliver(String(message)));
        },
      },
    });
    servers.push(server);
    const { socket } = await folder.run<{ socket: ReconnectingWebSocket }>(
      blockWith('new ReconnectingWebSocket("wss://example.com/chat");')
        .replace("wss://example.com", `ws://127.0.0.1:${server.port}`)
        .replace("const socket", "export const socket"),
    );
    expect(await delivered).toBe("hello");
    socket.close();
    await socket.onClose.first;
    expect(log.mock.calls).toEqual([["hi"]]);
  });

  it("read and write the streams of a WebSocketStream", async () => {
    const server = await serve({
      port: 0,
      routes: {
        "ws:/feed": async (socket) => {
          for await (const message of socket) {
            socket.send(`to ${String(message)}`);
            socket.close(1000, "that was all");
          }
        },
      },
    });
    servers.push(server);
    const code = blockWith("new WebSocketStream(");
    await folder.run(code.replace("wss://example.com", `ws://127.0.0.1:${server.port}`));
    expect(log.mock.calls).toEqual([["to subscribe"], [1000, "that was all"]]);
  });

  it("show why a handshake failed", async () => {
    const server = await serve({
      port: 0,
      routes: {
        "ws:/chat": { authorize: () => new Response("Log in.", { status: 401 }), handle: () => {} },
      },
    });
    servers.push(server);
    const code = blockWith("error.cause instanceof UnexpectedStatusError");
    await folder.run(code.replace("wss://example.com", `ws://127.0.0.1:${server.port}`));
    expect(log.mock.calls).toEqual([[401], ["Log in."]]);
  });

  it("continue on a topic at the position of a client", async () => {
    const server = await startServer(blockWith("news.publish(message)").replace("export ", ""));
    const url = server.url.replace("http:", "ws:");
    const read = async (socket: WebSocket): Promise<{ type: string; position: string }> =>
      JSON.parse((await socket.onMessage.first).data as string) as never;
    const first = new WebSocket(`${url}/news`);
    const { type, position } = await read(first);
    first.send("hello");
    expect(await read(first)).toMatchObject({ type: "publication", text: "hello" });
    first.close();
    const second = new WebSocket(`${url}/news?since=${position}`);
    const messages = second.onMessage[Symbol.asyncIterator]();
    const types = [type];
    for (let count = 0; count < 2; count++) {
      const { data } = (await messages.next()).value!;
      types.push((JSON.parse(data as string) as { type: string }).type);
    }
    expect(types).toEqual(["subscribed", "subscribed", "publication"]);
    second.close();
    await second.onClose.first;
  });
});
