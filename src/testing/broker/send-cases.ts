import type { Broker, BrokerListener, TopicData, VolatileMessage } from "../../topics/index.ts";
import type { BrokerCaseContext, BrokerCaseDefinition } from "./broker-case.ts";
import {
  checkEqual,
  publish,
  range,
  RecordingListener,
  RETENTION,
  until,
} from "./broker-support.ts";

const CONTENTS: readonly TopicData[] = [
  "",
  new Uint8Array(),
  "!",
  '{"v":1,"text":"json"}',
  "\0\n\r\u2028\ufeff😀",
  Uint8Array.from(range(0, 255)),
  "x".repeat(100_000),
];

type SendingBroker = Broker & { send: NonNullable<Broker["send"]> };

/** Cases for `send`. A broker without this method passes them. */
export const SEND_CASES: readonly BrokerCaseDefinition[] = [
  whenSending(
    "delivers volatile messages to the listeners of all servers, in the order of the sender",
    async (context, brokers) => {
      const topic = context.topic();
      const listeners = brokers.map(() => new RecordingListener());
      for (const [index, broker] of brokers.entries()) {
        await broker.subscribe(topic, listeners[index]);
      }
      await Promise.all(
        range(0, 99).map((number) =>
          brokers[number % 2].send(topic, { data: `${number}`, sender: `s${number % 2}` }),
        ),
      );
      for (const { messages } of listeners) {
        await until(
          () => messages.length === 100,
          () => `got ${messages.length} of 100`,
        );
        for (const index of [0, 1]) {
          const own = messages.filter(({ sender }) => sender === `s${index}`);
          const expected = range(0, 49).map((number) => `${2 * number + index}`);
          checkEqual(textsOf(own), expected, "the messages of one server");
        }
      }
    },
  ),
  whenSending(
    "keeps the data and the sender of volatile messages unchanged",
    async (context, [broker]) => {
      const topic = context.topic();
      const listener = new RecordingListener();
      await broker.subscribe(topic, listener);
      for (const data of CONTENTS) await broker.send(topic, { data, sender: "a b\0😀" });
      await broker.send(topic, { data: "without" });
      const { messages } = listener;
      await until(() => messages.length === CONTENTS.length + 1, "all are delivered");
      const last = messages.at(-1)!;
      checkEqual(last, { data: "without" }, "a message without a sender");
      checkEqual(
        messages.slice(0, -1).map(({ data, sender }) => [comparable(data), sender]),
        CONTENTS.map((data) => [data, "a b\0😀"]),
        "the messages",
      );
    },
  ),
  whenSending("stores no volatile message", async (context, [broker, other]) => {
    const topic = context.topic();
    const listener = new RecordingListener();
    await broker.subscribe(topic, listener);
    const { position } = await publish(broker, topic, "stored");
    await other.send(topic, { data: "volatile" });
    await until(() => listener.messages.length === 1, "the message is delivered");
    const page = await other.history(topic, { limit: 10 }, RETENTION);
    checkEqual(page.position, position, "the position");
    checkEqual(
      page.publications.map(({ data }) => data),
      ["stored"],
      "the history",
    );
    const late = new RecordingListener();
    await broker.subscribe(topic, late);
    await other.send(topic, { data: "next" });
    await until(() => late.messages.length === 1, "the next message is delivered");
    checkEqual(textsOf(late.messages), ["next"], "the messages of a late listener");
    checkEqual(listener.publications.length, 1, "the number of publications");
  }),
  whenSending("separates the volatile messages of topics", async (context, [broker]) => {
    const names = ["", "/", ".", "..", ".>", "*", "{}", ":", " ", "\0", "é", "A", "a"];
    const listeners = names.map(() => new RecordingListener());
    for (const [index, name] of names.entries()) {
      await broker.subscribe(context.topic(name), listeners[index]);
    }
    for (const name of names) await broker.send(context.topic(name), { data: name });
    for (const [index, { messages }] of listeners.entries()) {
      await until(() => messages.length > 0, `a message on ${JSON.stringify(names[index])}`);
      checkEqual(textsOf(messages), [names[index]], "the messages");
    }
  }),
  whenSending(
    "delivers volatile messages to listeners with onMessage, until they stop",
    async (context, [broker, other]) => {
      const topic = context.topic();
      const [ended, remaining] = [new RecordingListener(), new RecordingListener()];
      await broker.subscribe(topic, withoutMessages());
      const stop = await broker.subscribe(topic, ended);
      await broker.subscribe(topic, remaining);
      await stop();
      await other.send(topic, { data: "1" });
      await until(() => remaining.messages.length === 1, "the other listener gets it");
      checkEqual(ended.messages.length, 0, "the messages after the end");
    },
  ),
];

function whenSending(
  name: string,
  run: (context: BrokerCaseContext, brokers: readonly SendingBroker[]) => Promise<void>,
): BrokerCaseDefinition {
  return {
    name,
    async run(context) {
      const brokers = [await context.open(), await context.open()];
      if (brokers.every(canSend)) await run(context, brokers);
    },
  };
}

function canSend(broker: Broker): broker is SendingBroker {
  return broker.send !== undefined;
}

function withoutMessages(): BrokerListener {
  return { onPublication() {}, onInterruption() {}, onPresenceChange() {} };
}

function textsOf(messages: readonly VolatileMessage[]): readonly unknown[] {
  return messages.map(({ data }) => data);
}

/** The bytes of some engines are subclasses of `Uint8Array`. */
function comparable(data: TopicData): TopicData {
  return typeof data === "string" ? data : Uint8Array.from(data);
}
