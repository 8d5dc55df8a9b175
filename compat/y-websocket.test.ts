import { docs, setupWSConnection, type WSSharedDoc } from "@y/websocket-server/utils";
import * as reference from "ws";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { WebsocketProvider } from "y-websocket";
import { Doc, encodeStateAsUpdate, Map as YMap, Text } from "yjs";
import { implementation } from "./support/implementation.ts";
import { cuttable, listen } from "./support/servers.ts";

const { WebSocketServer } = implementation;

let rooms = 0;

/** Starts a server. Its documents are removed at the end of the test. */
async function serve(options: object = {}): Promise<{
  port: number;
  room: string;
  server: InstanceType<typeof WebSocketServer>;
  shared: () => WSSharedDoc;
}> {
  const { http, port } = await listen();
  const server = new WebSocketServer({ server: http, ...options });
  server.on("connection", (socket, request) => setupWSConnection(socket, request));
  const room = `room-${rooms++}`;
  onTestFinished(() => {
    for (const client of server.clients) client.terminate();
    server.close();
    docs.get(room)?.destroy();
    docs.delete(room);
  });
  return { port, room, server, shared: () => docs.get(room)! };
}

describe.each([
  ["ws", reference.WebSocket],
  ["the implementation", implementation.WebSocket as unknown as typeof reference.WebSocket],
])("y-websocket and its provider on %s", (_name, webSocket) => {
  const join = (port: number, room: string, doc = new Doc()): WebsocketProvider => {
    const provider = new WebsocketProvider(`ws://127.0.0.1:${port}`, room, doc, {
      WebSocketPolyfill: webSocket as never,
      disableBc: true,
      maxBackoffTime: 10,
    });
    onTestFinished(() => {
      provider.destroy();
      doc.destroy();
    });
    return provider;
  };

  it("merges the edits of two documents that were made before they connect", async () => {
    const { port, room, shared } = await serve();
    const [left, right] = [new Doc(), new Doc()];
    left.getText("text").insert(0, "left ");
    left.getMap("map").set("bytes", Uint8Array.of(1, 2, 3));
    right.getText("text").insert(0, "right ");
    right.getMap("map").set("nested", new YMap([["key", new Text("value")]]));
    join(port, room, left);
    join(port, room, right);
    await vi.waitFor(() => expect(left.getText("text").length).toBe(11));
    await vi.waitFor(() => expect(right.toJSON()).toEqual(left.toJSON()));
    expect(left.getText("text").toJSON()).toMatch(/^(left right |right left )$/);
    expect(left.getMap("map").toJSON()).toEqual({
      bytes: Uint8Array.of(1, 2, 3),
      nested: { key: "value" },
    });
    expect(encodeStateAsUpdate(shared())).toEqual(encodeStateAsUpdate(left));
  });

  it("merges edits that both sides make at the same time", async () => {
    const { port, room } = await serve();
    const [left, right] = [join(port, room), join(port, room)];
    await vi.waitFor(() => expect([left.synced, right.synced]).toEqual([true, true]));
    for (let edit = 0; edit < 200; edit++) {
      left.doc.getArray("list").push([`left ${edit}`]);
      right.doc.getArray("list").insert(0, [`right ${edit}`]);
    }
    for (const { doc } of [left, right]) {
      await vi.waitFor(() => expect(doc.getArray("list").length).toBe(400));
    }
    expect(right.doc.toJSON()).toEqual(left.doc.toJSON());
  });

  it.each([
    ["without compression", {}],
    ["with compression", { perMessageDeflate: { threshold: 10 } }],
  ])("sends a document of a megabyte: %s", async (_label, options) => {
    const { port, room } = await serve(options);
    const text = "0123456789abcdef".repeat(65_536);
    const doc = new Doc();
    doc.getText("text").insert(0, text);
    join(port, room, doc);
    const copy = join(port, room).doc;
    await vi.waitFor(() => expect(copy.getText("text").length).toBe(text.length));
    expect(copy.getText("text").toJSON() === text).toBe(true);
  });

  it("shows the awareness of a client to the others until it leaves", async () => {
    const { port, room, shared } = await serve();
    const [anna, ben] = [join(port, room), join(port, room)];
    const seen = (): unknown => ben.awareness.getStates().get(anna.doc.clientID);
    anna.awareness.setLocalStateField("user", { name: "Anna" });
    await vi.waitFor(() => expect(seen()).toEqual({ user: { name: "Anna" } }));
    anna.disconnect();
    await vi.waitFor(() => expect(seen()).toBeUndefined());
    await vi.waitFor(() => expect(shared().conns.size).toBe(1));
    anna.connect();
    anna.awareness.setLocalStateField("user", { name: "Anna again" });
    await vi.waitFor(() => expect(seen()).toEqual({ user: { name: "Anna again" } }));
  });

  it("closes a socket if its provider disconnects before the socket is open", async () => {
    const { port, room, server } = await serve();
    const provider = join(port, room);
    provider.disconnect();
    expect(provider.wsconnected).toBe(false);
    const { doc } = join(port, room);
    doc.getText("text").insert(0, "x");
    await vi.waitFor(() => expect(docs.get(room)?.getText("text").toJSON()).toBe("x"));
    await vi.waitFor(() => expect(server.clients.size).toBe(1));
  });

  it("merges the edits that both sides make while a connection is broken", async () => {
    const { port, room, server, shared } = await serve();
    const proxy = await cuttable(port);
    const [near, far] = [join(port, room), join(proxy.port, room)];
    await vi.waitFor(() => expect([near.synced, far.synced]).toEqual([true, true]));
    for (const round of [1, 2, 3]) {
      // The server reads some of these, and the cut drops the rest.
      for (let edit = 0; edit < 50; edit++) far.doc.getArray("list").push([`far ${edit}`]);
      const closed = new Promise((resolve) => {
        far.once("connection-close", resolve);
      });
      proxy.cut();
      await closed;
      near.doc.getArray("list").insert(0, [`near ${round}`]);
      far.doc.getArray("list").push([`offline ${round}`]);
      await vi.waitFor(() => expect(far.synced).toBe(true));
      for (const doc of [near.doc, far.doc, shared()]) {
        await vi.waitFor(() => expect(doc.getArray("list").length).toBe(round * 52));
      }
    }
    expect(near.doc.toJSON()).toEqual(far.doc.toJSON());
    await vi.waitFor(() => expect(server.clients.size).toBe(2));
    expect(shared().conns.size).toBe(2);
  });
});
