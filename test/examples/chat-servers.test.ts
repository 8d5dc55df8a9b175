import { serve, type Server } from "tideway/server";
import {
  type Broker,
  BrokerError,
  type BrokerPage,
  MemoryBroker,
  type BrokerPublishResult,
} from "tideway/topics";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Chat } from "../../examples/chat/src/chat.ts";
import { chatRoute } from "../../examples/chat/src/chat-route.ts";
import { expectUsers, PlainClient } from "./plain-client.ts";

/** A server of the chat in this process. It shares only the broker with the others. */
class ChatServer {
  readonly chat: Chat;
  readonly server: Server;

  private constructor(chat: Chat, server: Server) {
    this.chat = chat;
    this.server = server;
  }

  static async start(broker: MemoryBroker): Promise<ChatServer> {
    const chat = new Chat(broker);
    const routes = { "ws:/chat": chatRoute(chat) };
    return new ChatServer(chat, await serve({ port: 0, host: "127.0.0.1", routes }));
  }

  get url(): string {
    return `ws://127.0.0.1:${this.server.port}/chat`;
  }

  async stop(): Promise<void> {
    await this.server.stop({ drain: { deadlineMs: 1_000 } });
    await this.chat[Symbol.asyncDispose]();
  }
}

let broker: MemoryBroker;
let servers: ChatServer[];
const clients: PlainClient[] = [];

beforeEach(async () => {
  broker = new MemoryBroker();
  servers = [await ChatServer.start(broker), await ChatServer.start(broker)];
});

afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.terminate();
  await Promise.all(servers.map((server) => server.stop()));
  await broker.close();
});

async function join(
  server: ChatServer,
  name: string,
  query = "",
): Promise<PlainClient & { readonly id: number }> {
  const client = await PlainClient.join(`${server.url}${query}`, name);
  clients.push(client);
  return client;
}

/** A broker that refuses the calls of a method. */
class RefusingBroker extends MemoryBroker {
  refused: string | undefined;

  override async publish(...args: Parameters<Broker["publish"]>): Promise<BrokerPublishResult> {
    this.#check("publish");
    return super.publish(...args);
  }

  override async history(...args: Parameters<Broker["history"]>): Promise<BrokerPage> {
    this.#check("history");
    return super.history(...args);
  }

  override async enter(...args: Parameters<Broker["enter"]>): Promise<void> {
    this.#check("enter");
    return super.enter(...args);
  }

  #check(method: string): void {
    if (method === this.refused) throw new BrokerError("BROKER_REFUSED", `no ${method} now`);
  }
}

describe("the chat with a failing broker", () => {
  async function start(): Promise<{
    readonly refusing: RefusingBroker;
    readonly server: ChatServer;
  }> {
    const refusing = new RefusingBroker();
    const server = await ChatServer.start(refusing);
    servers.push(server);
    return { refusing, server };
  }

  it("closes with 1013 on a message that it cannot store, and accepts it later", async () => {
    const { refusing, server } = await start();
    const [ana, bo] = [await join(server, "Ana"), await join(server, "Bo")];
    refusing.refused = "publish";
    ana.say("Hello", { messageId: "m1" });
    expect((await ana.closed)[0]).toBe(1013);
    refusing.refused = undefined;
    const back = await join(server, "Ana");
    back.say("Hello", { messageId: "m1" });
    expect(await bo.next("message")).toMatchObject({ text: "Hello", messageId: "m1" });
  });

  it.each(["history", "enter"])("closes with 1013 when %s fails", async (method) => {
    const { refusing, server } = await start();
    const bo = await join(server, "Bo");
    refusing.refused = method;
    const ana = new PlainClient(server.url);
    clients.push(ana);
    ana.socket.once("open", () => ana.send({ type: "username", name: "Ana" }));
    expect((await ana.closed)[0]).toBe(1013);
    refusing.refused = undefined;
    await join(server, "Ana");
    await expectUsers(bo, "Bo", "Ana");
  });
});

describe("the chat on two servers, for clients of the plain protocol,", () => {
  it("sends new names and the user list to clients of both servers", async () => {
    const ana = await join(servers[0], "Ana");
    const bo = await join(servers[1], "Bo");
    expect(await ana.next("username")).toMatchObject({ id: bo.id, name: "Bo" });
    for (const client of [ana, bo]) await expectUsers(client, "Ana", "Bo");
    bo.send({ type: "username", name: "Cy" });
    for (const client of [ana, bo]) await expectUsers(client, "Ana", "Cy");
    bo.socket.terminate();
    await expectUsers(ana, "Ana");
  });

  it("delivers messages to all clients in one order", async () => {
    const [ana, bo] = [await join(servers[0], "Ana"), await join(servers[1], "Bo")];
    for (let count = 0; count < 100; count++) {
      ana.say(`ana ${count}`);
      bo.say(`bo ${count}`);
    }
    const received: unknown[][] = [];
    for (const client of [ana, bo]) {
      const texts: unknown[] = [];
      for (let count = 0; count < 200; count++) texts.push((await client.next("message"))["text"]);
      received.push(texts);
    }
    expect(received[0]).toEqual(received[1]);
    for (const name of ["ana", "bo"]) {
      const own = received[0].filter((text) => String(text).startsWith(name));
      expect(own).toEqual(Array.from({ length: 100 }, (_, count) => `${name} ${count}`));
    }
  });

  it("renames a user with a name that is in use on the other server", async () => {
    const ana = await join(servers[0], "Ana");
    const other = await join(servers[1], "ANA");
    expect(await other.next("rejectusername")).toMatchObject({ id: other.id, name: "ANA1" });
    await expectUsers(ana, "Ana", "ANA1");
    expect(ana.inbox.map(({ type }) => type)).not.toContain("rejectusername");
  });

  it("gives every user a different name when many request the same name on both servers at once", async () => {
    const many = await Promise.all(
      Array.from({ length: 10 }, (_, index) => join(servers[index % 2], "Ana")),
    );
    const names = ["Ana", ...Array.from({ length: 9 }, (_, index) => `Ana${index + 1}`)];
    for (const client of many) await expectUsers(client, ...names);
    const said = many.map(async (client) => {
      client.say(String(client.id));
      let message = await client.next("message");
      while (message["id"] !== client.id) message = await client.next("message");
      return message["name"];
    });
    expect(new Set(await Promise.all(said))).toEqual(new Set(names));
  });

  it("replaces a dead connection with the same session on the other server", async () => {
    const bo = await join(servers[0], "Bo");
    const dead = new PlainClient(servers[0].url);
    const fresh = new PlainClient(servers[1].url);
    clients.push(dead, fresh);
    await Promise.all([dead.next("id"), fresh.next("id")]);
    dead.send({ type: "username", name: "Ana", session: "secret" });
    await expectUsers(bo, "Ana", "Bo");
    fresh.send({ type: "username", name: "Ana", session: "secret" });
    expect(await dead.closed).toEqual([1006, ""]);
    await expectUsers(fresh, "Ana", "Bo");
    expect(fresh.inbox.map(({ type }) => type)).not.toContain("rejectusername");
    expect(JSON.stringify([...bo.inbox, ...fresh.inbox])).not.toContain("secret");
  });

  it("removes the users of a stopped server from the list, until they reconnect to the other server", async () => {
    const [ana, bo] = [await join(servers[0], "Ana"), await join(servers[1], "Bo")];
    await expectUsers(ana, "Ana", "Bo");
    bo.say("before");
    const { position } = await bo.next("message");
    await servers[1].stop();
    await expectUsers(ana, "Ana");
    ana.say("meanwhile", { messageId: "m1" });
    const back = await join(servers[0], "Bo", `?since=${String(position)}`);
    expect(await back.next("message")).toMatchObject({ text: "meanwhile", messageId: "m1" });
    await expectUsers(ana, "Ana", "Bo");
  });

  it("delivers a message once if a client sends it to one server and then to the other", async () => {
    const [ana, bo] = [await join(servers[0], "Ana"), await join(servers[1], "Bo")];
    ana.say("Hello", { messageId: "m1" });
    await ana.next("message");
    const again = await join(servers[1], "Ana");
    again.say("Hello", { messageId: "m1" });
    again.say("Bye");
    for (const client of [ana, bo]) {
      if (client === bo) expect(await client.next("message")).toMatchObject({ text: "Hello" });
      expect(await client.next("message")).toMatchObject({ text: "Bye" });
    }
  });
});
