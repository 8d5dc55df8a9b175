import { describe, expect, it } from "vitest";
import {
  ChatClient,
  type ChatListener,
  type ChatTransport,
} from "../../examples/chat/src/page/chat-client.ts";
import type { IdMessage, ServerMessage } from "../../examples/chat/src/wire/wire.ts";

const NOW = 1_700_000_000_000;

/** A connection that records what is sent on it, and can be cut and restored. */
class FakeTransport implements ChatTransport {
  isOpen = false;
  bufferedAmount = 0;
  readonly sent: Record<string, unknown>[] = [];

  send(text: string): void {
    if (!this.isOpen) throw new Error("sent while there was no connection");
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }

  /** The messages sent since the last call. */
  take(): Record<string, unknown>[] {
    return this.sent.splice(0);
  }
}

function setUp(name = "Ana") {
  const transport = new FakeTransport();
  const received: unknown[][] = [];
  const connections: boolean[] = [];
  const listener: ChatListener = {
    onNamed: (...args) => received.push(["named", ...args]),
    onNameRejected: (...args) => received.push(["rejected", ...args]),
    onRenamed: (...args) => received.push(["renamed", ...args]),
    onUsers: (...args) => received.push(["users", ...args]),
    onMessage: ({ text }, isOwn) => received.push(["message", text, isOwn]),
    onConnected: (isComplete) => connections.push(isComplete),
    onLost: () => received.push(["lost"]),
    onStalled: () => received.push(["stalled"]),
  };
  let ids = 0;
  const timers: (() => void)[] = [];
  const client = new ChatClient(transport, name, listener, {
    now: () => NOW,
    newId: () => `id${ids++}`,
    after: (_delayMs, callback) => timers.push(callback),
  });
  const receive = (message: ServerMessage): void => client.receive(JSON.stringify(message));
  return {
    transport,
    client,
    received,
    connections,
    receive,
    connect: (id: number, start: Omit<IdMessage, "type" | "id"> = {}): void => {
      transport.isOpen = true;
      receive({ type: "id", id, ...start });
    },
    disconnect: (): void => {
      transport.isOpen = false;
      client.disconnected();
    },
    passTime: (): void => {
      for (const callback of timers.splice(0)) callback();
    },
    echo: (id: number, text: string, messageId: string): void => {
      receive({ type: "message", id, name: "Ana", text, date: NOW, messageId });
    },
  };
}

describe("ChatClient", () => {
  it("sends the name with a session after it has received an id", () => {
    const { transport, connect } = setUp();
    connect(7);
    expect(transport.take()).toEqual([
      { type: "username", id: 7, name: "Ana", date: NOW, session: "id0" },
    ]);
  });

  it("sends the user's message with a message id", () => {
    const { transport, client, connect } = setUp();
    connect(7);
    transport.take();
    expect(client.say("Hello")).toEqual({ messageId: "id1", text: "Hello", date: NOW });
    expect(transport.take()).toEqual([
      { type: "message", id: 7, messageId: "id1", text: "Hello", date: NOW },
    ]);
  });

  it("sends offline messages once after the next connection, following the name", () => {
    const { transport, client, connect, disconnect, echo } = setUp();
    client.say("one");
    client.say("two");
    connect(1);
    expect(transport.take().map(({ type, text }) => text ?? type)).toEqual([
      "username",
      "one",
      "two",
    ]);
    echo(1, "one", "id1");
    echo(1, "two", "id2");
    disconnect();
    connect(1);
    expect(transport.take().map(({ type }) => type)).toEqual(["username"]);
  });

  it("repeats messages that were lost with the connection, with the same message id", () => {
    const { transport, client, connect, disconnect, echo } = setUp();
    connect(1);
    client.say("heard");
    client.say("lost");
    echo(1, "heard", "id1");
    disconnect();
    client.say("new");
    transport.take();
    connect(1);
    expect(transport.take()).toEqual([
      { type: "username", id: 1, name: "Ana", date: NOW, session: "id0" },
      { type: "message", id: 1, messageId: "id2", text: "lost", date: NOW },
      { type: "message", id: 1, messageId: "id3", text: "new", date: NOW },
    ]);
  });

  it("shows a message once even if the server repeats it", () => {
    const { client, connect, disconnect, echo, received } = setUp();
    connect(1);
    client.say("Hello");
    echo(1, "Hello", "id1");
    disconnect();
    connect(2);
    echo(1, "Hello", "id1");
    echo(9, "other", "x");
    echo(9, "other", "x");
    expect(received).toEqual([
      ["message", "Hello", true],
      ["message", "other", false],
    ]);
  });

  it("shows messages without a message id, as plain servers send them", () => {
    const { connect, receive, received } = setUp();
    connect(1);
    receive({ type: "message", id: 1, name: "Ana", text: "mine", date: NOW });
    receive({ type: "message", id: 2, name: "Bo", text: "same", date: NOW });
    receive({ type: "message", id: 2, name: "Bo", text: "same", date: NOW });
    expect(received).toEqual([
      ["message", "mine", true],
      ["message", "same", false],
      ["message", "same", false],
    ]);
  });

  it("sends the name that the server assigned on the next connection", () => {
    const { transport, client, connect, disconnect, receive, received } = setUp();
    connect(3);
    receive({ type: "rejectusername", id: 3, name: "Ana1" });
    receive({ type: "username", id: 3, name: "Ana1", date: NOW });
    expect(received).toEqual([
      ["rejected", "Ana", "Ana1"],
      ["named", "Ana1"],
    ]);
    expect(client.name).toBe("Ana1");
    disconnect();
    transport.take();
    connect(1);
    expect(transport.take()).toMatchObject([{ type: "username", name: "Ana1" }]);
  });

  it("changes the name at once when connected, or else on the next connection", () => {
    const { transport, client, connect, disconnect } = setUp();
    connect(1);
    transport.take();
    client.rename("Anna");
    expect(transport.take()).toMatchObject([{ type: "username", id: 1, name: "Anna" }]);
    disconnect();
    client.rename("Anne");
    expect(transport.take()).toEqual([]);
    connect(1);
    expect(transport.take()).toMatchObject([{ type: "username", id: 1, name: "Anne" }]);
  });

  it("reports name changes of other users, but not their first names", () => {
    const { connect, receive, received } = setUp();
    connect(1);
    receive({ type: "username", id: 2, name: "Bob", date: NOW, previous: "Bo" });
    expect(received).toEqual([["renamed", "Bo", "Bob"]]);
  });

  it("holds messages back while the socket's buffer is full, and later continues", () => {
    const { transport, client, connect, passTime } = setUp();
    connect(1);
    transport.take();
    transport.bufferedAmount = 65_537;
    client.say("one");
    client.say("two");
    passTime();
    expect(transport.take()).toEqual([]);
    transport.bufferedAmount = 65_536;
    passTime();
    expect(transport.take().map(({ text }) => text)).toEqual(["one", "two"]);
  });

  it("reports a stalled connection when a message is not echoed", () => {
    const { client, connect, received, passTime } = setUp();
    connect(1);
    client.say("Hello");
    passTime();
    expect(received).toEqual([["stalled"]]);
  });

  it("does not report a stall after the echo, or when the connection is lost", () => {
    const { client, connect, disconnect, echo, received, passTime } = setUp();
    connect(1);
    client.say("one");
    echo(1, "one", "id1");
    client.say("two");
    disconnect();
    passTime();
    expect(received).toEqual([["message", "one", true]]);
  });

  it("updates its position from the messages id, message and lost", () => {
    const { client, connect, receive, received } = setUp();
    expect(client.position).toBeUndefined();
    connect(1, { position: "e:4" });
    expect(client.position).toBe("e:4");
    receive({ type: "message", id: 2, name: "Bo", text: "x", date: NOW, position: "e:5" });
    expect(client.position).toBe("e:5");
    receive({ type: "message", id: 2, name: "Bo", text: "from a plain server", date: NOW });
    expect(client.position).toBe("e:5");
    receive({ type: "lost", position: "e:9" });
    expect(client.position).toBe("e:9");
    expect(received.at(-1)).toEqual(["lost"]);
  });

  it("reports for each connection whether it continues the previous connection", () => {
    const { connect, connections } = setUp();
    connect(1, { position: "e:4" });
    connect(1, { position: "e:4", recovered: true });
    connect(1, { position: "f:0", recovered: false });
    expect(connections).toEqual([false, true, false]);
  });

  it("queues at most a hundred messages without a connection", () => {
    const { client } = setUp();
    for (let count = 0; count < 100; count++) expect(client.say("x")).toBeDefined();
    expect(client.say("x")).toBeUndefined();
  });

  it.each([
    "",
    "{",
    "null",
    "[]",
    '{"type":"id"}',
    '{"type":"userlist","users":[1]}',
    '{"type":"userlist","users":{"length":1}}',
    '{"type":"message","id":1,"name":"x","text":"x","date":1e300}',
    '{"type":"message","id":1,"name":"x","text":{},"date":1}',
    '{"type":"username","name":"x"}',
    '{"type":"toString"}',
    '{"type":"lost"}',
    '{"type":"id","id":1,"position":{}}',
    '{"type":"message","id":1,"name":"x","text":"x","date":1,"position":1}',
  ])("ignores the invalid message %s of a server", (data) => {
    const { client, received } = setUp();
    client.receive(data);
    client.receive(new ArrayBuffer(3));
    expect(received).toEqual([]);
  });
});
