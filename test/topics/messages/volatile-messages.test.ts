import { BrokerError, MemoryBroker, type VolatileMessage } from "tideway/topics";
import { describe, expect, it } from "vitest";
import { FaultyBroker, ManualTimers, openTopics, settle } from "../support.ts";

/** A broker of a user that has no volatile messages. */
function withoutSend(): MemoryBroker {
  return Object.assign(new MemoryBroker(), { send: undefined });
}

describe("volatile messages of a topic", () => {
  it("reach the listeners of all servers, with their sender", async () => {
    const broker = new MemoryBroker();
    const [here, there] = [openTopics({ broker }), openTopics({ broker })];
    const messages: VolatileMessage[] = [];
    for (const topics of [here, there]) {
      await topics.topic("cursors").listen((message) => messages.push(message));
    }
    await here.topic("cursors").send("1", { sender: "ann" });
    await there.topic("cursors").send(Uint8Array.of(2));
    await here.topic("other").send("3");
    const [first, second] = [{ data: "1", sender: "ann" }, { data: Uint8Array.of(2) }];
    expect(messages).toEqual([first, first, second, second]);
    const page = await here.topic("cursors").history();
    expect(page).toMatchObject({ position: { offset: 0 }, publications: [] });
  });

  it("share one subscription at the broker, which ends with the last listener", async () => {
    const broker = new FaultyBroker();
    const topic = openTopics({ broker }).topic("cursors");
    const texts: unknown[] = [];
    const listener = ({ data }: VolatileMessage): void => void texts.push(data);
    const [first, second] = await Promise.all([topic.listen(listener), topic.listen(listener)]);
    expect(broker.listeners.size).toBe(1);
    await topic.send("1");
    first.stop();
    first.stop();
    await topic.send("2");
    expect(texts).toEqual(["1", "1", "2"]);
    expect(broker.listeners.size).toBe(1);
    second[Symbol.dispose]();
    await settle();
    expect(broker.listeners.size).toBe(0);
    await topic.listen(listener);
    await topic.send("3");
    expect(texts.at(-1)).toBe("3");
  });

  it("copy bytes, which the caller may change later", async () => {
    const topic = openTopics().topic("cursors");
    const received: unknown[] = [];
    await topic.listen(({ data }) => received.push(data));
    const bytes = Uint8Array.of(1);
    const sending = topic.send(bytes);
    bytes[0] = 2;
    await sending;
    expect(received).toEqual([Uint8Array.of(1)]);
  });

  it("reach the other listeners if a listener throws, which is reported", async () => {
    const errors: unknown[] = [];
    const broken = new Error("broken listener");
    const topic = openTopics({ onError: (error) => errors.push(error) }).topic("cursors");
    await topic.listen(() => {
      throw broken;
    });
    const texts: unknown[] = [];
    await topic.listen(({ data }) => texts.push(data));
    await topic.send("1");
    expect(texts).toEqual(["1"]);
    expect(errors).toEqual([broken]);
  });

  it("reject a listener if the broker does not answer, and stop listening if it answers later", async () => {
    const [broker, timers] = [new FaultyBroker(), new ManualTimers()];
    const topic = openTopics({ broker, timers, requestTimeoutMs: 1_000 }).topic("cursors");
    let answer!: () => void;
    broker.onCall = () => new Promise((resolve) => (answer = resolve));
    const failures = Promise.allSettled([topic.listen(() => {}), topic.listen(() => {})]);
    await timers.advance(1_000);
    const timeout = expect.objectContaining({ code: "BROKER_TIMEOUT" }) as Error;
    expect(await failures).toEqual([1, 2].map(() => ({ status: "rejected", reason: timeout })));
    answer();
    await settle();
    expect(broker.listeners.size).toBe(0);
    broker.onCall = async () => {};
    await topic.listen(() => {});
    expect(broker.listeners.size).toBe(1);
  });

  it("reject with the error of the broker, or if it does not answer", async () => {
    const [broker, timers] = [new FaultyBroker(), new ManualTimers()];
    const topic = openTopics({ broker, timers, requestTimeoutMs: 1_000 }).topic("cursors");
    broker.onCall = () => Promise.reject(new BrokerError("BROKER_UNAVAILABLE", "cut off"));
    await expect(topic.send("1")).rejects.toMatchObject({ code: "BROKER_UNAVAILABLE" });
    broker.onCall = () => new Promise(() => {});
    const late = topic.send("2").catch((error: unknown) => error);
    await timers.advance(1_000);
    expect(await late).toMatchObject({ code: "BROKER_TIMEOUT" });
  });

  it("end when topics close, and reject afterwards", async () => {
    const broker = new FaultyBroker();
    const topics = openTopics({ broker });
    const topic = topics.topic("cursors");
    const texts: unknown[] = [];
    await topic.listen(({ data }) => texts.push(data));
    let answer!: () => void;
    broker.onCall = () => new Promise((resolve) => (answer = resolve));
    const waiting = topics.topic("other").listen(() => {});
    const failure = waiting.catch((error: unknown) => error);
    await settle();
    const closing = topics.close();
    answer();
    await closing;
    expect(await failure).toMatchObject({ code: "BROKER_CLOSED" });
    await broker.inner.send("cursors", { data: "1" });
    expect(texts).toEqual([]);
    expect(broker.listeners.size).toBe(0);
    await expect(topic.send("1")).rejects.toMatchObject({ code: "BROKER_CLOSED" });
    await expect(topic.listen(() => {})).rejects.toMatchObject({ code: "BROKER_CLOSED" });
  });

  it("are refused with SEND_UNSUPPORTED by a broker without send", async () => {
    const topic = openTopics({ broker: withoutSend() }).topic("cursors");
    const expected = { name: "UsageError", code: "SEND_UNSUPPORTED" };
    await expect(topic.send("1")).rejects.toMatchObject(expected);
    await expect(topic.listen(() => {})).rejects.toMatchObject(expected);
    await topic.publish("1");
  });

  it("have at most maxTopics topics with listeners", async () => {
    const topics = openTopics({ maxTopics: 2, broker: new MemoryBroker() });
    const listening = await topics.topic("a").listen(() => {});
    await topics.topic("b").listen(() => {});
    await expect(topics.topic("c").listen(() => {})).rejects.toMatchObject({ code: "TOPICS_FULL" });
    listening.stop();
    await topics.topic("c").listen(() => {});
  });

  it.each<[string, unknown, unknown]>([
    ["INVALID_DATA", 5, {}],
    ["PUBLICATION_TOO_BIG", "x".repeat(11), {}],
    ["INVALID_SENDER", "", { sender: "" }],
    ["INVALID_SENDER", "", { sender: "x".repeat(129) }],
    ["INVALID_SENDER", "", { sender: 5 }],
    ["INVALID_OPTION", "", null],
  ])("are refused with %s", async (code, data, options) => {
    const topic = openTopics({ maxPublicationBytes: 10 }).topic("cursors");
    await expect(topic.send(data as never, options as never)).rejects.toMatchObject({
      name: "UsageError",
      code,
    });
  });

  it("are refused without a listener", async () => {
    const listening = openTopics()
      .topic("cursors")
      .listen("listener" as never);
    await expect(listening).rejects.toMatchObject({ code: "INVALID_OPTION" });
  });
});
