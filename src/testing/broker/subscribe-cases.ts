import type { TopicData } from "../../topics/index.ts";
import type { BrokerCaseDefinition } from "./broker-case.ts";
import {
  checkEqual,
  offsetsOf,
  publish,
  range,
  RecordingListener,
  RETENTION,
  until,
} from "./broker-support.ts";

/** Suffixes that an engine might confuse with each other, or interpret. */
// oxfmt-ignore
const SIMILAR_NAMES: readonly string[] = [
  "", "/", ".", "..", ".a", ".>", ".*", "*", "{", "}", "{}", "}{", ":", ":ids", "%", "%2F",
  " ", "\n", "\0", "__proto__", "\u00e9", "e\u0301", "😀", "a", "A", "x".repeat(200),
];

const CONTENTS: readonly TopicData[] = [
  "",
  new Uint8Array(),
  "plain",
  '{"v":1,"text":"json"}',
  "\0\n\r\u2028\ufeff😀",
  Uint8Array.from(range(0, 255)),
  "x".repeat(100_000),
];

/** Cases for `subscribe`. */
export const SUBSCRIBE_CASES: readonly BrokerCaseDefinition[] = [
  {
    name: "delivers the publications of all servers to every listening server, in order",
    async run(context) {
      const brokers = [await context.open(), await context.open()];
      const topic = context.topic();
      const listeners = [new RecordingListener(), new RecordingListener()];
      for (const [index, broker] of brokers.entries()) {
        await broker.subscribe(topic, listeners[index]);
      }
      await Promise.all(
        range(0, 99).map((number) => publish(brokers[number % 2], topic, `${number}`)),
      );
      for (const { publications } of listeners) {
        await until(
          () => publications.length === 100,
          () => `got ${publications.length} of 100`,
        );
        checkEqual(offsetsOf(publications), range(1, 100), "offsets");
      }
      checkEqual(
        listeners[0].publications,
        listeners[1].publications,
        "the publications of two servers",
      );
    },
  },
  {
    name: "keeps text and bytes unchanged, in deliveries and in the history",
    async run(context) {
      const broker = await context.open();
      const topic = context.topic();
      const listener = new RecordingListener();
      await broker.subscribe(topic, listener);
      for (const data of CONTENTS) await publish(broker, topic, data);
      await until(() => listener.publications.length === CONTENTS.length, "all are delivered");
      const page = await broker.history(topic, { limit: 100 }, RETENTION);
      for (const publications of [listener.publications, page.publications]) {
        checkEqual(
          publications.map(({ data }) => (typeof data === "string" ? data : Uint8Array.from(data))),
          CONTENTS,
          "data",
        );
      }
      checkEqual(
        page.publications.map(({ id }) => id),
        listener.publications.map(({ id }) => id),
        "ids",
      );
    },
  },
  {
    name: "separates topics with similar names",
    async run(context) {
      const broker = await context.open();
      const listeners = new Map<string, RecordingListener>();
      for (const suffix of SIMILAR_NAMES) {
        const listener = new RecordingListener();
        listeners.set(suffix, listener);
        await broker.subscribe(context.topic(suffix), listener);
      }
      for (const suffix of SIMILAR_NAMES) {
        const { position } = await publish(broker, context.topic(suffix), suffix);
        checkEqual(position.offset, 1, `the offset on ${JSON.stringify(suffix)}`);
      }
      for (const [suffix, { publications }] of listeners) {
        await until(() => publications.length > 0, `a publication on ${JSON.stringify(suffix)}`);
        checkEqual(
          publications.map(({ data }) => data),
          [suffix],
          `the publications on ${JSON.stringify(suffix)}`,
        );
      }
    },
  },
  {
    name: "delivers nothing after a subscription has ended, and continues for the others",
    async run(context) {
      const broker = await context.open();
      const topic = context.topic();
      const [ended, remaining] = [new RecordingListener(), new RecordingListener()];
      const stop = await broker.subscribe(topic, ended);
      await broker.subscribe(topic, remaining);
      await stop();
      await publish(broker, topic, "");
      await until(() => remaining.publications.length === 1, "the other listener gets it");
      checkEqual(ended.publications.length, 0, "the publications after the end");
    },
  },
];
