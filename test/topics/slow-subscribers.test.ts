import * as fc from "fast-check";
import { connectedPair } from "tideway/testing";
import { dataOnly, type EncodeTopicMessage, envelope, MemoryBroker } from "tideway/topics";
import { describe, expect, it } from "vitest";
import {
  FaultyBroker,
  follow,
  openTopics,
  received,
  RecordingSocket,
  settle,
  texts,
} from "./support.ts";

const numbers = (first: number, last: number): string[] =>
  Array.from({ length: last - first + 1 }, (_, index) => `${first + index}`);

describe("a slow subscriber", () => {
  it("receives everything in order once it reads again, and does not delay others", async () => {
    const topic = openTopics().topic("news");
    const [slow, quick] = [new RecordingSocket(), new RecordingSocket()];
    await topic.subscribe(slow);
    await topic.subscribe(quick);
    slow.block();
    for (const text of numbers(1, 10)) await topic.publish(text);
    expect(texts(quick)).toEqual(numbers(1, 10));
    expect(texts(slow)).toEqual(["1"]);
    slow.unblock();
    await settle();
    expect(texts(slow)).toEqual(numbers(1, 10));
    await topic.publish("11");
    expect(texts(slow)).toEqual(numbers(1, 11));
  });

  it("reads from the broker what is no longer in the server's memory", async () => {
    const topic = openTopics({ historySize: 5_000 }).topic("news");
    const slow = new RecordingSocket();
    await topic.subscribe(slow);
    slow.block();
    for (const text of numbers(1, 3_000)) await topic.publish(text);
    slow.unblock();
    await settle();
    expect(texts(slow)).toEqual(numbers(1, 3_000));
  });

  it("receives lost when the history no longer has its position", async () => {
    const topic = openTopics({ historySize: 10 }).topic("news");
    const slow = new RecordingSocket();
    await topic.subscribe(slow);
    slow.block();
    for (const text of numbers(1, 3_000)) await topic.publish(text);
    slow.unblock();
    await settle();
    await topic.publish("3001");
    expect(texts(slow)).toEqual(["1", "3001"]);
    expect(received(slow)[2]).toMatchObject({ type: "lost", reason: "missing" });
    expect(follow(slow)!.offset).toBe(3_001);
  });

  it("is closed with 1013 if the encoder returns no message for its loss", async () => {
    const topic = openTopics({ historySize: 10, encode: dataOnly }).topic("news");
    const slow = new RecordingSocket();
    await topic.subscribe(slow);
    slow.block();
    for (const text of numbers(1, 3_000)) await topic.publish(text);
    slow.unblock();
    await settle();
    expect(slow.sent).toEqual(["1"]);
    expect(slow.closeCode).toBe(1013);
  });

  it('loses nothing to the slowConsumer "drop" of its socket', async () => {
    const topic = openTopics().topic("news");
    await using pair = await connectedPair({
      bufferBytes: 1_024,
      route: { slowConsumer: "drop", maxBufferedBytes: 4_096, highWaterMarkBytes: 2_048 },
    });
    const got: string[] = [];
    const done = new Promise<void>((resolve) => {
      pair.client.onMessage.listen(({ data }) => {
        const message = JSON.parse(data as string) as { type: string; text: string };
        if (message.type === "publication") got.push(message.text);
        if (got.length === 200) resolve();
      });
    });
    await topic.subscribe(pair.server);
    for (const text of numbers(1, 200)) {
      if (text === "10") {
        // The handler's messages fill the buffer before the topic detects it.
        pair.link.stall();
        for (let count = 0; count < 1_000; count++) pair.server.send('{"type":"other"}');
      }
      await topic.publish(text);
    }
    expect(pair.server.bufferedAmount).toBeLessThan(8_192);
    pair.link.resume();
    await done;
    expect(got).toEqual(numbers(1, 200));
  });

  it("ends with its socket while it catches up", async () => {
    const broker = new FaultyBroker();
    const topic = openTopics({ broker, historySize: 5_000 }).topic("news");
    const { position } = await topic.history();
    for (const text of numbers(1, 3_000)) await topic.publish(text);
    const socket = new RecordingSocket();
    let answer!: () => void;
    broker.onPage = (page) => {
      if (page.publications.length < 32) return Promise.resolve(page);
      return new Promise((resolve) => (answer = () => resolve(page)));
    };
    // The feed reads its first page.
    const subscribing = topic.subscribe(socket, { since: position });
    await settle();
    answer();
    await subscribing;
    await settle();
    socket.close();
    answer();
    await settle();
    expect(texts(socket)).toEqual([]);
  });
});

describe("topics, with any number of faults,", () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("publish" as const) }) },
    fc.record({
      kind: fc.constantFrom("drop", "twice", "hold", "release", "interrupt", "settle"),
    }),
    fc.record({
      kind: fc.constantFrom("block", "fill", "unblock", "leave", "return"),
      name: fc.nat({ max: 2 }),
    }),
    fc.record({ kind: fc.constantFrom("slow history", "quick history") }),
  );

  it("deliver all publications to every socket once and in order, or report the loss", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 120 }),
        fc.constantFrom(3, 20, 1_000),
        async (steps, historySize) => {
          const broker = new FaultyBroker(new MemoryBroker());
          const topic = openTopics({ broker, historySize }).topic("news");
          const sockets = [0, 1, 2].map(() => new RecordingSocket());
          const own: EncodeTopicMessage = (message) => envelope(message);
          const encoders = [{}, { encode: own }, { encode: own }];
          const subscriptions = await Promise.all(
            sockets.map((socket, index) => topic.subscribe(socket, encoders[index])),
          );
          const held: (() => void)[] = [];
          const answers: (() => void)[] = [];
          const joining: Promise<unknown>[] = [];
          let count = 0;
          for (const { kind, name = 0 } of steps as { kind: string; name?: number }[]) {
            if (kind === "publish") await topic.publish(`${++count}`);
            else if (kind === "drop") broker.onDelivery = () => {};
            else if (kind === "hold") broker.onDelivery = (deliver) => held.unshift(deliver);
            else if (kind === "twice") {
              broker.onDelivery = (deliver) => {
                deliver();
                deliver();
              };
            } else if (kind === "release") {
              broker.onDelivery = (deliver) => deliver();
              for (const deliver of held.splice(0)) deliver();
            } else if (kind === "interrupt") broker.interrupt();
            else if (kind === "settle") await settle();
            else if (kind === "slow history") {
              broker.onPage = (page) => new Promise((resolve) => answers.push(() => resolve(page)));
            } else if (kind === "quick history") {
              broker.onPage = async (page) => page;
              for (const answer of answers.splice(0)) answer();
            } else if (kind === "block") sockets[name].block();
            else if (kind === "fill") sockets[name].block({ isFull: true });
            else if (kind === "unblock") sockets[name].unblock();
            else if (kind === "leave") sockets[name].close();
            else if (sockets[name].readyState !== 1) {
              const since = follow(sockets[name]);
              sockets[name] = new RecordingSocket();
              joining.push(topic.subscribe(sockets[name], { since, ...encoders[name] }));
            }
          }
          broker.onDelivery = (deliver) => deliver();
          broker.onPage = async (page) => page;
          for (const answer of answers.splice(0)) answer();
          await Promise.all(joining);
          for (const socket of sockets) socket.unblock();
          const { position } = await topic.publish("last");
          broker.interrupt();
          await settle();
          for (const [index, socket] of sockets.entries()) {
            const last = follow(socket);
            if (socket.readyState === 1) expect(last).toEqual(position);
            if (historySize === 1_000) {
              expect(received(socket).map(({ type }) => type)).not.toContain("lost");
            }
            subscriptions[index].unsubscribe();
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
