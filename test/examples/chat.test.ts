import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { serve, type Server } from "tideway/server";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { chatRoute } from "../../examples/chat/src/chat-route.ts";
import { expectUsers, PlainClient } from "./plain-client.ts";

let server: Server;
let url: string;
const clients: PlainClient[] = [];

type More =
  ConstructorParameters<typeof PlainClient> extends [string, ...infer Rest] ? Rest : never;

beforeEach(async () => {
  server = await serve({ port: 0, host: "127.0.0.1", routes: { "ws:/chat": chatRoute() } });
  url = `ws://127.0.0.1:${server.port}/chat`;
});

afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.terminate();
  await server.stop();
});

function connect(query = "", ...rest: More): PlainClient {
  const client = new PlainClient(query === "" ? url : `${url}?${query}`, ...rest);
  clients.push(client);
  return client;
}

async function join(name: string, query = ""): Promise<PlainClient & { readonly id: number }> {
  const client = await PlainClient.join(query === "" ? url : `${url}?${query}`, name);
  clients.push(client);
  return client;
}

describe("the chat, for a client of the plain protocol,", () => {
  it("speaks the subprotocol json, and sends the id first", async () => {
    const client = connect();
    await once(client.socket, "open");
    expect(client.socket.protocol).toBe("json");
    await client.next("id");
    expect(client.inbox).toEqual([]);
  });

  it("accepts clients that offer no subprotocol", async () => {
    const client = connect("", []);
    expect(await client.next("id")).toEqual({
      type: "id",
      id: expect.any(Number),
      position: expect.any(String),
    });
  });

  it("sends a new name and the user list to all", async () => {
    const ana = await join("Ana");
    await expectUsers(ana, "Ana");
    const bo = await join("Bo");
    expect(await ana.next("username")).toMatchObject({ type: "username", id: bo.id, name: "Bo" });
    await expectUsers(ana, "Ana", "Bo");
    await expectUsers(bo, "Ana", "Bo");
  });

  it("renames a user with a name that is in use", async () => {
    await join("Ana");
    const other = await join("Ana");
    const third = await join("Ana");
    expect(await other.next("rejectusername")).toEqual({
      type: "rejectusername",
      id: other.id,
      name: "Ana1",
    });
    expect(await third.next("rejectusername")).toMatchObject({ id: third.id, name: "Ana2" });
    await expectUsers(third, "Ana", "Ana1", "Ana2");
  });

  it("sends messages to all, including the sender, with the name and the date", async () => {
    const [ana, bo] = [await join("Ana"), await join("Bo")];
    const before = Date.now();
    ana.say("Hello", { id: ana.id });
    for (const client of [ana, bo]) {
      const message = await client.next("message");
      expect(message).toEqual({
        type: "message",
        id: ana.id,
        name: "Ana",
        text: "Hello",
        date: expect.any(Number),
        messageId: expect.any(String),
        position: expect.any(String),
      });
      expect(message["date"]).toBeGreaterThanOrEqual(before);
      expect(message["date"]).toBeLessThanOrEqual(Date.now());
    }
  });

  it("keeps the order of the messages of one client", async () => {
    const [ana, bo] = [await join("Ana"), await join("Bo")];
    const texts = Array.from({ length: 200 }, (_, index) => `message ${index}`);
    for (const text of texts) ana.say(text);
    for (const text of texts) expect(await bo.next("message")).toMatchObject({ text });
  });

  it("sends a change of name to all, and frees the old name", async () => {
    const [ana, bo] = [await join("Ana"), await join("Bo")];
    ana.send({ type: "username", id: ana.id, name: "Cy" });
    await expectUsers(bo, "Cy", "Bo");
    const di = await join("Ana");
    await expectUsers(di, "Cy", "Bo", "Ana");
  });

  it("removes users from the list, however they leave", async () => {
    const [ana, bo, cy] = [await join("Ana"), await join("Bo"), await join("Cy")];
    await expectUsers(ana, "Ana", "Bo", "Cy");
    bo.socket.close();
    await expectUsers(ana, "Ana", "Cy");
    cy.socket.terminate();
    await expectUsers(ana, "Ana");
  });

  it("identifies the sender by the connection, not by the given id", async () => {
    const [ana, eve] = [await join("Ana"), await join("Eve")];
    eve.say("I am Ana", { id: ana.id, name: "Ana" });
    expect(await ana.next("message")).toMatchObject({ id: eve.id, name: "Eve" });
  });

  it("assigns a name to a user without one or with an empty one", async () => {
    const client = connect();
    await client.next("id");
    client.say("Hello");
    expect(await client.next("rejectusername")).toMatchObject({ name: "Guest" });
    expect(await client.next("message")).toMatchObject({ name: "Guest", text: "Hello" });
    const other = connect();
    await other.next("id");
    other.send({ type: "username" });
    expect(await other.next("rejectusername")).toMatchObject({ name: "Guest1" });
  });

  it("delivers hostile text unchanged", async () => {
    const [ana, bo] = [await join("Ana"), await join("Bo")];
    const text = '<script>alert(1)</script>\u202e\u0000\ud83d\ude00 \u2028 "\\';
    ana.say(text);
    expect(await bo.next("message")).toMatchObject({ text });
  });
});

describe("the chat, for a client of the extended protocol,", () => {
  it("delivers a repeated message once, in its first form", async () => {
    const [ana, bo] = [await join("Ana"), await join("Bo")];
    ana.say("Hello", { messageId: "m1" });
    ana.say("Hello again", { messageId: "m1" });
    ana.say("Bye");
    for (const client of [ana, bo]) {
      expect(await client.next("message")).toMatchObject({ text: "Hello", messageId: "m1" });
      expect(await client.next("message")).toMatchObject({ text: "Bye" });
    }
  });

  it("echoes a repeated message only to its sender if the sender has continued after its position", async () => {
    const bo = await join("Bo");
    bo.say("Hello", { messageId: "m1" });
    const first = await bo.next("message");
    const ana = await join("Ana", `since=${String(first["position"])}`);
    ana.say("Hello", { messageId: "m1" });
    // Ana has continued after this message, so her copy has no position.
    expect(await ana.next("message")).toEqual({ ...first, position: undefined });
    ana.say("Bye");
    expect(await bo.next("message")).toMatchObject({ text: "Bye" });
  });

  it("echoes a message to its sender, even if it is no longer in the history", async () => {
    const [ana, bo] = [await join("Ana"), await join("Bo")];
    bo.say("Hello", { messageId: "m1" });
    for (let count = 0; count < 1_000; count++) ana.say(`message ${count}`);
    for (let count = 0; count < 1_001; count++) await ana.next("message");
    const back = await join("Bo");
    back.say("Hello", { messageId: "m1" });
    let message = await back.next("message");
    while (message["messageId"] !== "m1") message = await back.next("message");
    expect(message).toMatchObject({ text: "Hello" });
    expect(ana.inbox.filter(({ type }) => type === "message")).toEqual([]);
  });

  it("sends the last fifty messages to a new client", async () => {
    const ana = await join("Ana");
    for (let count = 0; count < 60; count++) ana.say(`message ${count}`);
    for (let count = 0; count < 60; count++) await ana.next("message");
    const bo = await join("Bo");
    for (let count = 10; count < 60; count++) {
      expect(await bo.next("message")).toMatchObject({ text: `message ${count}` });
    }
    ana.say("news");
    expect(await bo.next("message")).toMatchObject({ text: "news" });
  });

  it("continues after the position that a client sends, without gap or duplicate", async () => {
    const [ana, bo] = [await join("Ana"), await join("Bo")];
    ana.say("seen");
    const { position } = await bo.next("message");
    bo.socket.terminate();
    for (let count = 0; count < 70; count++) ana.say(`missed ${count}`);
    for (let count = 0; count < 71; count++) await ana.next("message");
    const back = connect(`since=${String(position)}`);
    expect(await back.next("id")).toMatchObject({ position, recovered: true });
    ana.say("live");
    for (let count = 0; count < 70; count++) {
      expect(await back.next("message")).toMatchObject({ text: `missed ${count}` });
    }
    expect(await back.next("message")).toMatchObject({ text: "live" });
  });

  it("treats an empty position as a first visit", async () => {
    const bo = connect("since=");
    expect((await bo.next("id"))["recovered"]).toBe(undefined);
  });

  it.each(["0", "other:1", "__proto__:1", "x".repeat(3_000), "other:9007199254740993"])(
    "reports that it cannot continue from the position %j, and sends the last messages",
    async (since) => {
      const ana = await join("Ana");
      ana.say("Hello");
      await ana.next("message");
      const bo = connect(`since=${since}`);
      expect(await bo.next("id")).toMatchObject({ recovered: false });
      expect(await bo.next("message")).toMatchObject({ text: "Hello" });
    },
  );

  it("has separate rooms", async () => {
    const [ana, bo] = [await join("Ana"), await join("Ana", "room=tides/people")];
    await expectUsers(bo, "Ana");
    ana.say("in the lobby");
    await ana.next("message");
    bo.say("elsewhere");
    expect(await bo.next("message")).toMatchObject({ text: "elsewhere" });
    expect(ana.inbox.filter(({ type }) => type === "message")).toEqual([]);
  });

  it.each(["", "%20", "x".repeat(65)])("refuses the room %j", async (room) => {
    const client = connect(`room=${room}`);
    const [, response] = (await once(client.socket, "unexpected-response")) as [
      unknown,
      IncomingMessage,
    ];
    expect(response.statusCode).toBe(400);
  });

  it("replaces a dead connection with the same session", async () => {
    const bo = await join("Bo");
    const [dead, fresh] = [connect(), connect()];
    await Promise.all([dead.next("id"), fresh.next("id")]);
    dead.send({ type: "username", name: "Ana", session: "secret" });
    await expectUsers(bo, "Ana", "Bo");
    fresh.send({ type: "username", name: "Ana", session: "secret" });
    expect(await dead.closed).toEqual([1006, ""]);
    await expectUsers(fresh, "Ana", "Bo");
    expect(fresh.inbox.map(({ type }) => type)).not.toContain("rejectusername");
    expect(JSON.stringify([...bo.inbox, ...fresh.inbox])).not.toContain("secret");
  });
});

describe("the chat, for a hostile client,", () => {
  const HOSTILE: readonly (readonly [string, string | Buffer, number])[] = [
    ["no JSON", "hello", 1007],
    ["JSON that is not an object", "[1,2,3]", 1007],
    ["an object without a type", "{}", 1007],
    ["a type in the prototype", '{"__proto__":{"type":"message","text":"x"}}', 1007],
    ["a text that is not a string", '{"type":"message","text":{"a":1}}', 1007],
    ["a name that is not a string", '{"type":"username","name":["Ana"]}', 1007],
    ["JSON nested thirty thousand times", "[".repeat(30_000), 1007],
    ["a binary message", Buffer.from('{"type":"message","text":"x"}'), 1003],
    [
      "a text of 8001 characters",
      JSON.stringify({ type: "message", text: "x".repeat(8_001) }),
      1009,
    ],
    [
      "a frame of more than 64 KiB",
      JSON.stringify({ type: "username", name: "x".repeat(70_000) }),
      1009,
    ],
  ];

  it.each(HOSTILE)("closes on %s without affecting other clients", async (_, frame, code) => {
    const [ana, eve] = [await join("Ana"), await join("Eve")];
    await expectUsers(ana, "Ana", "Eve");
    eve.socket.send(frame);
    expect((await eve.closed)[0]).toBe(code);
    await expectUsers(ana, "Ana");
    ana.say("still here");
    expect(await ana.next("message")).toMatchObject({ text: "still here" });
  });

  it("ignores unknown and empty messages", async () => {
    const [ana, eve] = [await join("Ana"), await join("Eve")];
    eve.send({ type: "dance" });
    eve.send({ type: "userlist", users: ["Mallory"] });
    eve.send({ type: "rejectusername", id: ana.id, name: "Mallory" });
    eve.say("   ");
    eve.send({ type: "message" });
    eve.say("after all that");
    expect(await ana.next("message")).toMatchObject({ text: "after all that" });
  });

  it("shortens and cleans a hostile name, and sends it back", async () => {
    const eve = connect();
    await eve.next("id");
    eve.send({ type: "username", name: `\u202e${"x".repeat(500)}` });
    expect(await eve.next("rejectusername")).toMatchObject({ name: "x".repeat(32) });
  });

  it("serves other clients while one floods the room", async () => {
    const [ana, eve] = [await join("Ana"), await join("Eve")];
    for (let count = 0; count < 3_000; count++) eve.say(`flood ${count}`);
    ana.say("can you hear me?");
    let message = await ana.next("message");
    while (message["name"] !== "Ana") message = await ana.next("message");
    expect(message).toMatchObject({ text: "can you hear me?" });
    eve.socket.terminate();
    await expectUsers(ana, "Ana");
  });

  it("refuses a page of another origin", async () => {
    const eve = connect("", "json", { Origin: "http://evil.example" });
    const [, response] = (await once(eve.socket, "unexpected-response")) as [
      unknown,
      IncomingMessage,
    ];
    expect(response.statusCode).toBe(403);
  });
});
