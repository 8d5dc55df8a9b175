import { refuse } from "tideway/channels/server";
import { MemoryBroker } from "tideway/topics";
import { describe, expect, it, vi } from "vitest";
import {
  connect,
  dataOf,
  openClient,
  RULES,
  type Server,
  startServer,
  take,
} from "./channels-support.ts";

const ROOM = ["rooms/:room", { room: "tides" }] as const;

/** The client waits until the test calls `reconnect`. */
const SLOW_RECONNECT = { initialDelayMs: 600_000, maxDelayMs: 600_000, random: () => 1 };

const ANN = { id: "ann", data: "ann" };
const BOB = { id: "bob", data: "bob" };

/** Records what a client sees of the members of the room. */
async function watch(server: Server) {
  const room = connect(server, { auth: "watcher" }).topic(...ROOM);
  const changes: string[] = [];
  const first = room.onMembersChange[Symbol.asyncIterator]().next();
  room.onMembersChange.listen(({ joined, left }) => {
    changes.push(...joined.map(({ id }) => `+${id}`), ...left.map(({ id }) => `-${id}`));
  });
  await first;
  return { room, changes };
}

describe("presence", () => {
  it("keeps one member without a leave and a join, while its client returns to another server", async () => {
    const broker = new MemoryBroker();
    const [one, two] = [await startServer({ broker }), await startServer({ broker })];
    const { room, changes } = await watch(two);
    const ann = openClient(one, { auth: "ann" });
    await expect(ann.client.topic(...ROOM).enter()).resolves.toEqual(ANN);
    await vi.waitFor(() => expect(changes).toEqual(["+ann"]));
    ann.moveTo(two);
    one.breakConnections();
    await vi.waitFor(() => expect(two.venue.sockets.size).toBe(2));
    const bob = connect(one, { auth: "bob" });
    await bob.topic(...ROOM).enter();
    await vi.waitFor(() => expect(changes).toEqual(["+ann", "+bob"]));
    expect(room.members).toEqual([ANN, BOB]);
    await bob.topic(...ROOM).leave();
    await vi.waitFor(() => expect(changes).toEqual(["+ann", "+bob", "-bob"]));
  });

  it("removes a member that does not return, after the grace period", async () => {
    const server = await startServer({ presenceGraceMs: 50 });
    const { changes } = await watch(server);
    const ann = openClient(server, { auth: "ann", decide: () => "stop" });
    await ann.client.topic(...ROOM).enter();
    await vi.waitFor(() => expect(changes).toEqual(["+ann"]));
    server.breakConnections();
    await vi.waitFor(() => expect(changes).toEqual(["+ann", "-ann"]));
  });

  it.each(["leave", "close"])("removes a member at once by %s", async (by) => {
    const server = await startServer({ presenceGraceMs: 600_000 });
    const { room, changes } = await watch(server);
    const ann = connect(server, { auth: "ann" });
    await ann.topic(...ROOM).enter();
    await vi.waitFor(() => expect(changes).toEqual(["+ann"]));
    if (by === "leave") await ann.topic(...ROOM).leave();
    else await ann.close();
    await vi.waitFor(() => expect(changes).toEqual(["+ann", "-ann"]));
    expect(room.members).toEqual([]);
  });

  it("removes a member that left without a connection, when its client returns, to any server", async () => {
    const broker = new MemoryBroker();
    const options = { broker, presenceGraceMs: 600_000 };
    const [one, two] = [await startServer(options), await startServer(options)];
    const { room, changes } = await watch(two);
    const ann = openClient(one, { auth: "ann", ...SLOW_RECONNECT });
    const entered = ann.client.topic(...ROOM);
    await entered.enter();
    await vi.waitFor(() => expect(changes).toEqual(["+ann"]));
    ann.moveTo(two);
    one.breakConnections();
    await vi.waitFor(() => expect(ann.client.state).toBe("waiting"));
    const left = entered.leave();
    ann.client.reconnect();
    await left;
    await vi.waitFor(() => expect(changes).toEqual(["+ann", "-ann"]));
    expect(room.members).toEqual([]);
  });

  it("keeps a member that left and entered again without a connection", async () => {
    const server = await startServer({ presenceGraceMs: 600_000 });
    const { room, changes } = await watch(server);
    const ann = connect(server, { auth: "ann", ...SLOW_RECONNECT });
    await ann.topic(...ROOM).enter();
    await vi.waitFor(() => expect(changes).toEqual(["+ann"]));
    server.breakConnections();
    await vi.waitFor(() => expect(ann.state).toBe("waiting"));
    const left = ann.topic(...ROOM).leave();
    ann.reconnect();
    await expect(ann.topic(...ROOM).enter()).resolves.toEqual(ANN);
    await left;
    await vi.waitFor(() => expect(room.members).toEqual([ANN]));
    await ann.topic(...ROOM).leave();
    await vi.waitFor(() => expect(room.members).toEqual([]));
  });

  it("removes a member at once that may not enter again when its client returns", async () => {
    const broker = new MemoryBroker();
    const options = { broker, presenceGraceMs: 600_000 };
    const rules = { ...RULES, "rooms/:room": { subscribe: true } };
    const [one, two] = [await startServer(options), await startServer({ ...options, rules })];
    const { changes } = await watch(two);
    const ann = openClient(one, { auth: "ann" });
    const errors: unknown[] = [];
    ann.client.onError.listen((error) => errors.push(error));
    await ann.client.topic(...ROOM).enter();
    await vi.waitFor(() => expect(changes).toEqual(["+ann"]));
    ann.moveTo(two);
    one.breakConnections();
    await vi.waitFor(() => expect(changes).toEqual(["+ann", "-ann"]));
    await vi.waitFor(() =>
      expect(errors).toContainEqual(expect.objectContaining({ code: "FORBIDDEN" })),
    );
  });

  it("refuses a member that the rule does not allow", async () => {
    const server = await startServer({ rules: { ...RULES, "rooms/:room": { subscribe: true } } });
    const room = connect(server).topic(...ROOM);
    await expect(room.enter()).rejects.toMatchObject({ code: "FORBIDDEN" });
    expect(await server.api.topic(...ROOM).members()).toEqual([]);
  });
});

describe("credentials", () => {
  it("that a server refuses are asked for once more", async () => {
    const authorize = ({ auth }: { auth: unknown }) =>
      auth === "new" ? { state: "new" } : refuse("unauthorized");
    const server = await startServer({ authorize });
    const reasons: string[] = [];
    const client = connect(server, {
      auth: ({ reason }: { reason: string }) => {
        reasons.push(reason);
        return reason === "unauthorized" ? "new" : "old";
      },
    });
    await expect(client.call("double", 2)).resolves.toBe(4);
    expect(reasons).toEqual(["connect", "unauthorized"]);
  });

  it("that are refused twice, or forbidden, end the client", async () => {
    for (const reason of ["unauthorized", "forbidden"] as const) {
      const server = await startServer({ authorize: () => refuse(reason) });
      const client = connect(server);
      await expect(client.call("double", 2)).rejects.toMatchObject({
        code: reason.toUpperCase(),
        mayBeStored: false,
      });
      await vi.waitFor(() => expect(client.state).toBe("closed"));
    }
  });

  it("that expire are replaced on the same connection, and the rules run again", async () => {
    let isAllowed = true;
    const authorize = ({ auth }: { auth: unknown }) =>
      auth === "short" ? { state: "short", expiresAtMs: Date.now() + 1_000 } : { state: "long" };
    const subscribe = ({ params, state }: { params: { room: string }; state: string }) =>
      params.room !== "tides" || isAllowed || state === "short";
    const server = await startServer({
      authorize,
      rules: { ...RULES, "rooms/:room": { ...RULES["rooms/:room"], subscribe } },
    });
    const client = connect(server, {
      auth: ({ reason }: { reason: string }) => (reason === "expires" ? "long" : "short"),
    });
    const other = { room: "other" };
    const messages = client.topic(...ROOM).messages({ last: 1 });
    const others = client.topic("rooms/:room", other).messages({ last: 1 });
    await client.topic(...ROOM).publish(1);
    await client.topic("rooms/:room", other).publish(1);
    await Promise.all([take(messages, 1), take(others, 1)]);
    const states: string[] = [];
    client.onStateChange.listen((state) => states.push(state));
    isAllowed = false;
    await expect(messages.next()).rejects.toMatchObject({ code: "FORBIDDEN" });
    await client.topic("rooms/:room", other).publish(2);
    expect(dataOf(await take(others, 1))).toEqual([2]);
    expect(states).toEqual([]);
  });

  it("that cannot be made are a failed attempt to connect", async () => {
    const server = await startServer();
    let attempts = 0;
    const client = connect(server, {
      auth: () => {
        attempts++;
        if (attempts < 3) throw new Error("no token");
        return "ann";
      },
    });
    await expect(client.call("double", 2)).resolves.toBe(4);
    expect(attempts).toBe(3);
  });

  it("that authorize throws an error for are reported, and the client connects again", async () => {
    let attempts = 0;
    const authorize = () => {
      attempts++;
      if (attempts === 1) throw new Error("the database is not there");
      return { state: "ann" };
    };
    const server = await startServer({ authorize });
    await expect(connect(server).call("double", 2)).resolves.toBe(4);
    expect(server.errors).toMatchObject([{ message: "the database is not there" }]);
  });
});

describe("a session", () => {
  it("that the server closes as forbidden ends its client, and no other", async () => {
    const server = await startServer();
    const [ann, bob] = [connect(server, { auth: "ann" }), connect(server, { auth: "bob" })];
    await Promise.all([ann.call("double", 1), bob.call("double", 1)]);
    for (const session of server.api.sessions({ where: ({ state }) => state === "ann" })) {
      session.close("forbidden");
    }
    await vi.waitFor(() => expect(ann.state).toBe("closed"));
    await expect(ann.call("double", 1)).rejects.toMatchObject({ code: "FORBIDDEN" });
    await expect(bob.call("double", 1)).resolves.toBe(2);
  });
});
