import { connectedPair } from "tideway/testing";
import {
  BrokerError,
  type EnterOptions,
  MemoryBroker,
  type Topic,
  type TopicSocket,
  type TopicsOptions,
} from "tideway/topics";
import { describe, expect, it, onTestFinished } from "vitest";
import { ConnectionClosedError } from "../../../src/errors/index.ts";
import { FaultyBroker, ManualTimers, openTopics, RecordingSocket, settle } from "../support.ts";

/** As many and as long keys as possible. */
const KEYS = Array.from({ length: 16 }, (_, index) => String.fromCharCode(97 + index).repeat(128));

/** A socket that has ended, with the value of its `done`. */
function endedSocket(info: unknown, closedBy: "local" | "peer" = "peer"): TopicSocket {
  const error = new ConnectionClosedError({
    closeCode: 1000,
    reason: "",
    wasClean: true,
    closedBy,
  });
  const drained = Promise.reject(error);
  drained.catch(() => {});
  return {
    readyState: 3,
    bufferedAmount: 0,
    done: Promise.resolve(info),
    drained,
    send: () => false,
    close() {},
  };
}

/** A topic on two servers, with time that the test advances for the broker too. */
class Stage {
  readonly timers = new ManualTimers();
  readonly broker: FaultyBroker;
  readonly events: string[] = [];
  readonly here;
  readonly there;
  #nowMs = 0;

  constructor(options: TopicsOptions = {}) {
    this.broker = new FaultyBroker(new MemoryBroker({ nowMs: () => this.#nowMs }));
    const { timers } = this;
    this.here = openTopics({ broker: this.broker, timers, ...options });
    this.there = openTopics({ broker: this.broker.inner, timers });
  }

  async watch(): Promise<void> {
    await this.there
      .topic("room")
      .watchMembers(({ type, member }) => this.events.push(`${type} ${member.id}`));
  }

  async enter(options: EnterOptions, socket: TopicSocket = new RecordingSocket(), topic?: Topic) {
    const room = topic ?? this.here.topic("room");
    const presence = await room.enter(socket, { id: "ann" }, options);
    await settle();
    return presence;
  }

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 1_000) {
      this.#nowMs += 1_000;
      await this.timers.advance(1_000);
    }
  }

  async keys(): Promise<readonly string[]> {
    return (await this.broker.inner.members("room")).map(({ key }) => key);
  }
}

async function openStage(options: TopicsOptions = {}): Promise<Stage> {
  const stage = new Stage(options);
  await stage.watch();
  return stage;
}

describe("a member with graceMs", () => {
  it.each([
    ["a reset", { code: 1006, wasClean: false }],
    ["an error", { code: 1011, wasClean: true }],
    ["an unknown end", undefined],
  ])("stays for this time after %s", async (_, info) => {
    const stage = await openStage();
    await stage.enter({ graceMs: 10_000, key: "k" }, endedSocket(info));
    await stage.pass(9_000);
    expect(stage.events).toEqual(["join ann"]);
    await stage.pass(1_000);
    expect(stage.events).toEqual(["join ann", "leave ann"]);
    expect(await stage.keys()).toEqual([]);
  });

  it.each([1000, 1001])("leaves at once when the client closes with %i", async (code) => {
    const stage = await openStage();
    await stage.enter({ graceMs: 10_000, key: "k" }, endedSocket({ code, wasClean: true }));
    expect(stage.events.at(-1)).toBe("leave ann");
  });

  it("stays when this server has closed the connection, and the client has echoed the code", async () => {
    const stage = await openStage();
    const socket = endedSocket({ code: 1001, wasClean: true }, "local");
    await stage.enter({ graceMs: 10_000, key: "k" }, socket);
    await stage.pass(9_000);
    expect(stage.events).toEqual(["join ann"]);
  });

  it.each([
    ["the client", "leaves at once", [] as readonly string[]],
    ["the server", "stays", ["k"]],
  ])("of a real connection that %s closes normally %s", async (side, _, expected) => {
    const stage = await openStage();
    const pair = await connectedPair();
    onTestFinished(() => pair[Symbol.asyncDispose]());
    await stage.enter({ graceMs: 10_000, key: "k" }, pair.server);
    if (side === "the server") pair.server.close(1001);
    else pair.client.close(1000);
    await pair.server.done;
    await settle();
    expect(await stage.keys()).toEqual(expected);
  });

  it("is not renewed during the grace period", async () => {
    const stage = await openStage({ presenceTtlMs: 3_000 });
    const presence = await stage.enter({ graceMs: 10_000, key: "k" });
    presence.startGrace();
    stage.broker.calls.length = 0;
    await stage.pass(9_000);
    expect(stage.broker.calls).toEqual([]);
    expect(await stage.keys()).toEqual(["k"]);
    presence.startGrace();
    await stage.pass(1_000);
    expect(stage.broker.calls).toEqual(["leave"]);
  });

  it("stays for the grace period when its server crashes, and then expires", async () => {
    const stage = await openStage({ presenceTtlMs: 3_000, onError: () => {} });
    await stage.enter({ graceMs: 10_000, key: "k" });
    await stage.pass(2_000);
    stage.broker.onCall = () => Promise.reject(new BrokerError("BROKER_UNAVAILABLE", "crashed"));
    await stage.pass(8_000);
    expect(await stage.keys()).toEqual(["k"]);
    await stage.pass(4_000);
    expect(await stage.keys()).toEqual([]);
  });

  it.each(["present", "in its grace period"])(
    "%s stays for the grace period when Topics closes",
    async (state) => {
      const stage = await openStage();
      const presence = await stage.enter({ graceMs: 10_000, key: "k" });
      if (state !== "present") presence.startGrace();
      await stage.here.close();
      await stage.pass(9_000);
      expect(await stage.keys()).toEqual(["k"]);
      await stage.pass(1_000);
      expect(await stage.keys()).toEqual([]);
    },
  );

  it("leaves for the watchers of other servers when its time after the close of Topics is over", async () => {
    const stage = await openStage();
    await stage.enter({ graceMs: 10_000, key: "k" });
    await stage.here.close();
    await stage.pass(9_000);
    expect(stage.events).toEqual(["join ann"]);
    // Less than checkIntervalMs.
    await stage.pass(2_000);
    expect(stage.events).toEqual(["join ann", "leave ann"]);
  });

  it("with the most data stays readable when Topics closes", async () => {
    const stage = await openStage();
    const member = { id: "ann", data: "x".repeat(16_384 - '{"v":1,"id":"ann","data":""}'.length) };
    const options = { graceMs: 10_000, key: "k", replaces: KEYS };
    await stage.here.topic("room").enter(new RecordingSocket(), member, options);
    await stage.here.close();
    expect(await stage.there.topic("room").members()).toEqual([member]);
  });

  it("leaves at once with leave, also in the grace period", async () => {
    const stage = await openStage();
    const presence = await stage.enter({ graceMs: 10_000, key: "k" });
    presence.startGrace();
    await presence.leave();
    await settle();
    expect(stage.events).toEqual(["join ann", "leave ann"]);
    stage.broker.calls.length = 0;
    await stage.pass(20_000);
    expect(stage.broker.calls).toEqual([]);
  });

  it("leaves early if more than maxAbsentMembers are in their grace period", async () => {
    const stage = await openStage({ maxAbsentMembers: 2 });
    for (const key of ["1", "2", "3"]) {
      (await stage.enter({ graceMs: 10_000, key })).startGrace();
    }
    await settle();
    expect(await stage.keys()).toEqual(["2", "3"]);
    await stage.pass(10_000);
    expect(await stage.keys()).toEqual([]);
  });
});

describe("a member without graceMs", () => {
  it("leaves at once with startGrace", async () => {
    const stage = await openStage();
    const presence = await stage.enter({ key: "k" });
    presence.startGrace();
    await settle();
    expect(stage.events).toEqual(["join ann", "leave ann"]);
  });
});

describe("an entry that replaces another", () => {
  it.each(["the same server", "another server"])(
    "on %s lets the member be present throughout",
    async (where) => {
      const stage = await openStage();
      await stage.enter({ graceMs: 10_000, key: "k-1" }, endedSocket({ code: 1006 }));
      await stage.pass(5_000);
      const topic = (where === "the same server" ? stage.here : stage.there).topic("room");
      await stage.enter({ graceMs: 10_000, key: "k-2", replaces: "k-1" }, undefined, topic);
      expect(await stage.keys()).toEqual(["k-2"]);
      await stage.pass(60_000);
      expect(stage.events).toEqual(["join ann"]);
      expect(await stage.keys()).toEqual(["k-2"]);
    },
  );

  it("removes several others, and hides them while their server still renews them", async () => {
    const stage = await openStage({ presenceTtlMs: 3_000 });
    const there = stage.there.topic("room");
    await stage.enter({ key: "k-1" });
    await stage.enter({ key: "k-2" });
    await stage.enter({ key: "k-3", graceMs: 10_000 }, undefined, there);
    await there.enter(
      new RecordingSocket(),
      { id: "ann", data: "new" },
      { key: "j", replaces: ["k-1", "k-2", "k-3"] },
    );
    expect(await stage.keys()).toEqual(["j"]);
    await stage.pass(3_000);
    expect((await stage.keys()).toSorted()).toEqual(["j", "k-1", "k-2"]);
    expect(await there.members()).toEqual([{ id: "ann", data: "new" }]);
  });

  it("hides the other entry while its server still renews it", async () => {
    const stage = await openStage({ presenceTtlMs: 3_000 });
    const [here, there] = [stage.here.topic("room"), stage.there.topic("room")];
    await here.enter(new RecordingSocket(), { id: "ann", data: "old" }, { key: "k-9" });
    await there.enter(
      new RecordingSocket(),
      { id: "ann", data: "new" },
      { key: "k-10", replaces: "k-9" },
    );
    await stage.pass(3_000);
    expect((await stage.keys()).toSorted()).toEqual(["k-10", "k-9"]);
    expect(await there.members()).toEqual([{ id: "ann", data: "new" }]);
  });

  it("hides the other entry after its member has left, while its server still renews it", async () => {
    const stage = await openStage({ presenceTtlMs: 30_000 });
    const [here, there] = [stage.here.topic("room"), stage.there.topic("room")];
    await stage.enter({ key: "k-1" }, undefined, here);
    const presence = await stage.enter({ key: "k-2", replaces: "k-1" }, undefined, there);
    await presence.leave();
    await settle();
    expect(stage.events).toEqual(["join ann", "leave ann"]);
    await stage.pass(50_000);
    expect(await stage.keys()).toContain("k-1");
    expect(await there.members()).toEqual([]);
    expect(stage.events).toEqual(["join ann", "leave ann"]);
  });

  it("leaves nothing behind if its member leaves much later, or the broker refuses to hide", async () => {
    for (const mayHide of [true, false]) {
      const stage = await openStage({ presenceTtlMs: 3_000 });
      const presence = await stage.enter({ key: "k-2", replaces: "k-1" });
      if (mayHide) await stage.pass(10_000);
      else {
        stage.broker.onCall = async (method) => {
          if (method === "enter") throw new BrokerError("BROKER_REFUSED", "too long");
        };
      }
      await presence.leave();
      expect(await stage.keys()).toEqual([]);
    }
  });

  it("is stored before the other entry is removed, and stays if the removal fails", async () => {
    const errors: unknown[] = [];
    const stage = await openStage({ onError: (error) => errors.push(error) });
    await stage.enter({ key: "k-1" }, undefined, stage.there.topic("room"));
    const failure = new BrokerError("BROKER_UNAVAILABLE", "cut off");
    stage.broker.onCall = async (method) => {
      if (method === "leave") throw failure;
    };
    stage.broker.calls.length = 0;
    await stage.enter({ key: "k-2", replaces: "k-1" });
    expect(stage.broker.calls).toEqual(["enter", "leave"]);
    expect(errors).toEqual([failure]);
    expect(await stage.keys()).toEqual(["k-1", "k-2"]);
    stage.broker.onCall = async () => {};
  });

  it("with the same key takes the place of the entry on this server", async () => {
    const stage = await openStage({ presenceTtlMs: 3_000 });
    const old = new RecordingSocket();
    await stage.enter({ key: "k", graceMs: 10_000 }, old);
    const topic = stage.here.topic("room");
    await topic.enter(
      new RecordingSocket(),
      { id: "ann", data: "new" },
      { key: "k", replaces: "k" },
    );
    old.close();
    await stage.pass(20_000);
    expect(await topic.members()).toEqual([{ id: "ann", data: "new" }]);
    expect(stage.events).toEqual(["join ann", "join ann"]);
  });

  it("with the same key takes the place of the entry on another server", async () => {
    const stage = await openStage();
    await stage.enter({ key: "k" }, undefined, stage.there.topic("room"));
    const topic = stage.here.topic("room");
    await topic.enter(
      new RecordingSocket(),
      { id: "ann", data: "new" },
      { key: "k", replaces: "k" },
    );
    expect(await stage.keys()).toEqual(["k"]);
    expect(await topic.members()).toEqual([{ id: "ann", data: "new" }]);
  });

  it("waits for the removal of an entry with the same key", async () => {
    const stage = await openStage();
    const presence = await stage.enter({ key: "k" });
    let answer!: () => void;
    stage.broker.onCall = (method) =>
      method === "leave" ? new Promise((resolve) => (answer = resolve)) : Promise.resolve();
    const leaving = presence.leave();
    const entering = stage.enter({ key: "k" });
    await settle();
    answer();
    await Promise.all([leaving, entering]);
    stage.broker.onCall = async () => {};
    expect(await stage.keys()).toEqual(["k"]);
  });
});

describe("leaving by key", () => {
  it.each(["the same server", "another server"])(
    "removes entries of %s, also in their grace period",
    async (where) => {
      const stage = await openStage();
      await stage.enter({ graceMs: 10_000, key: "k-1" }, endedSocket({ code: 1006 }));
      await stage.enter({ graceMs: 10_000, key: "k-2" }, endedSocket({ code: 1006 }));
      const topic = (where === "the same server" ? stage.here : stage.there).topic("room");
      await topic.leave({ keys: ["k-1", "k-2", "k-3"], graceMs: 10_000 });
      await settle();
      expect(stage.events).toEqual(["join ann", "leave ann"]);
      expect(await topic.members()).toEqual([]);
      await stage.pass(120_000);
      expect(stage.events).toEqual(["join ann", "leave ann"]);
    },
  );

  it("hides an entry that another server still renews", async () => {
    const stage = await openStage({ presenceTtlMs: 30_000 });
    await stage.enter({ key: "k-1" });
    await stage.there.topic("room").leave({ keys: ["k-1"] });
    await stage.pass(50_000);
    expect(await stage.keys()).toContain("k-1");
    expect(stage.events).toEqual(["join ann", "leave ann"]);
  });

  it("stores nothing for keys without an entry", async () => {
    const stage = await openStage();
    await stage.enter({ key: "k-1" });
    await stage.here.topic("room").leave({ keys: ["other"] });
    expect(await stage.keys()).toEqual(["k-1"]);
  });

  it("removes the entry if the broker refuses to hide it, and rejects if it does not answer", async () => {
    const stage = await openStage();
    await stage.enter({ key: "k-1" }, undefined, stage.there.topic("room"));
    stage.broker.onCall = async (method) => {
      if (method === "enter") throw new BrokerError("BROKER_REFUSED", "too long");
    };
    await stage.here.topic("room").leave({ keys: ["k-1"] });
    expect(await stage.keys()).toEqual([]);
    stage.broker.onCall = () => Promise.reject(new BrokerError("BROKER_UNAVAILABLE", "cut off"));
    await expect(stage.here.topic("room").leave({ keys: ["k-1"] })).rejects.toMatchObject({
      code: "BROKER_UNAVAILABLE",
    });
    stage.broker.onCall = async () => {};
  });

  it.each([{}, { keys: [] }, { keys: "k" }, { keys: ["a b"] }, { keys: [...KEYS, "k"] }, null])(
    "refuses the options %j",
    async (options) => {
      const leaving = openTopics()
        .topic("room")
        .leave(options as never);
      await expect(leaving).rejects.toMatchObject({ name: "UsageError", code: "INVALID_OPTION" });
    },
  );
});

describe("the options of enter", () => {
  it.each([
    { graceMs: -1 },
    { graceMs: 1.5 },
    { key: "" },
    { key: "a b" },
    { key: "x".repeat(129) },
    { replaces: 5 },
    { replaces: ["k", 5] },
    { replaces: [...KEYS, "k"] },
    null,
  ])("%j are refused", async (options) => {
    const topic = openTopics({ presence: true }).topic("room");
    const entering = topic.enter(new RecordingSocket(), { id: "ann" }, options as never);
    await expect(entering).rejects.toMatchObject({ name: "UsageError", code: "INVALID_OPTION" });
  });

  it("with a key work without the option presence", async () => {
    const topic = openTopics().topic("room");
    await topic.enter(new RecordingSocket(), { id: "ann" }, { key: "k" });
    expect(await topic.members()).toEqual([{ id: "ann" }]);
    await expect(topic.enter(new RecordingSocket(), { id: "bob" })).rejects.toMatchObject({
      code: "NO_PRESENCE",
    });
  });
});
