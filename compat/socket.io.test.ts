import { Server, type ServerOptions } from "socket.io";
import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { implementation } from "./support/implementation.ts";
import { listen } from "./support/servers.ts";

type ClientOptions = Partial<ManagerOptions & SocketOptions>;

const { WebSocketServer } = implementation;

/** A Socket.IO server that makes WebSockets with the implementation. Returns it with its port. */
async function serve(
  options: Partial<ServerOptions> = {},
): Promise<{ server: Server; port: number }> {
  const { http, port } = await listen();
  const server = new Server(http, { wsEngine: WebSocketServer, ...options });
  onTestFinished(async () => await server.close());
  return { server, port };
}

/** A connected client. It disconnects at the end of the test. */
async function connect(port: number, options: ClientOptions = {}): Promise<Socket> {
  const client = io(`http://127.0.0.1:${port}`, {
    transports: ["websocket"],
    forceNew: true,
    reconnectionDelay: 1,
    ...options,
  });
  onTestFinished(() => void client.disconnect());
  await new Promise<void>((resolve, reject) => {
    client.once("connect", resolve);
    client.once("connect_error", reject);
  });
  return client;
}

/** The arguments of the next event `name`. */
async function next(client: Socket, name: string): Promise<unknown[]> {
  return await new Promise((resolve) => client.once(name, (...values) => resolve(values)));
}

describe("socket.io", () => {
  it("delivers to the members of a room, and never to the sender of a broadcast", async () => {
    const { server, port } = await serve();
    server.on("connection", (socket) => {
      socket.on("join", async (room: string, done: () => void) => {
        await socket.join(room);
        done();
      });
      socket.on("say", (room: string, text: string) => socket.to(room).emit("said", text));
    });
    const [anna, ben, carl] = [await connect(port), await connect(port), await connect(port)];
    await anna.emitWithAck("join", "harbour");
    await ben.emitWithAck("join", "harbour");
    const heard: string[] = [];
    for (const [name, client] of Object.entries({ anna, ben, carl })) {
      client.on("said", (text: string) => heard.push(`${name}: ${text}`));
    }
    anna.emit("say", "harbour", "ahoy");
    expect(await next(ben, "said")).toEqual(["ahoy"]);
    server.emit("said", "for all");
    await vi.waitFor(() => expect(heard).toHaveLength(4));
    expect(heard.toSorted()).toEqual([
      "anna: for all",
      "ben: ahoy",
      "ben: for all",
      "carl: for all",
    ]);
  });
});
