import { BrokerError, type TopicData } from "../../topics/index.ts";
import type { BrokerCaseDefinition } from "./broker-suite.ts";
import {
  check,
  checkEqual,
  offsetsOf,
  publish,
  range,
  RecordingListener,
  RETENTION,
  until,
} from "./broker-support.ts";

/** Names that an engine might take for one another, or for something else. */
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

/** What one method promises, with all well. */
export const BROKER_CASES: readonly BrokerCaseDefinition[] = [
  {
    name: "numbers the publications of a topic from 1 on, over all nodes",
    async run(lab) {
      const brokers = [await lab.open(), await lab.open()];
      const topic = lab.topic();
      const receipts = await Promise.all(
        range(0, 99).map((number) => publish(brokers[number % 2], topic, `${number}`)),
      );
      const offsets = receipts.map(({ position }) => position.offset);
      checkEqual(
        offsets.toSorted((one, other) => one - other),
        range(1, 100),
        "offsets",
      );
      checkEqual(new Set(receipts.map(({ position }) => position.epoch)).size, 1, "epochs");
      check(!receipts.some(({ isDuplicate }) => isDuplicate), "a new id is no duplicate");
    },
  },
  {
    name: "delivers to every node that listens what all nodes publish, in order",
    async run(lab) {
      const brokers = [await lab.open(), await lab.open()];
      const topic = lab.topic();
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
      checkEqual(listeners[0].publications, listeners[1].publications, "what two nodes got");
    },
  },
  {
    name: "keeps text and bytes as they are, delivered and in the history",
    async run(lab) {
      const broker = await lab.open();
      const topic = lab.topic();
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
    name: "stores an id once, however many nodes use it at the same time",
    async run(lab) {
      const brokers = [await lab.open(), await lab.open()];
      const topic = lab.topic();
      const listener = new RecordingListener();
      await brokers[0].subscribe(topic, listener);
      const receipts = await Promise.all(
        range(0, 19).map((number) =>
          brokers[number % 2].publish(topic, { id: "the same", data: `${number}` }, RETENTION),
        ),
      );
      checkEqual(new Set(receipts.map(({ position }) => position.offset)).size, 1, "positions");
      checkEqual(receipts.filter(({ isDuplicate }) => !isDuplicate).length, 1, "stored");
      const later = await publish(brokers[0], topic, "another");
      const again = await brokers[1].publish(topic, { id: "the same", data: "late" }, RETENTION);
      checkEqual(again, { position: receipts[0].position, isDuplicate: true }, "receipt");
      checkEqual(later.position.offset, receipts[0].position.offset + 1, "offset");
      await until(() => listener.publications.length === 2, "two are delivered");
      const { publications } = await brokers[1].history(topic, { limit: 10 }, RETENTION);
      checkEqual(offsetsOf(publications), [1, 2], "what is stored");
    },
  },
  {
    name: "stores an id again on another topic",
    async run(lab) {
      const broker = await lab.open();
      for (const topic of [lab.topic("a"), lab.topic("b")]) {
        const receipt = await broker.publish(topic, { id: "one", data: "" }, RETENTION);
        checkEqual(receipt.isDuplicate, false, "isDuplicate");
      }
    },
  },
  {
    name: "takes the ids that programs make for names of nothing else",
    async run(lab) {
      const broker = await lab.open();
      const topic = lab.topic();
      const ids = ["__proto__", "constructor", "0", "-", "epoch", "offset", "a b\n\0", "😀"];
      for (const id of ids) {
        const draft = { id, data: id };
        checkEqual((await broker.publish(topic, draft, RETENTION)).isDuplicate, false, id);
        checkEqual((await broker.publish(topic, draft, RETENTION)).isDuplicate, true, id);
      }
      const { publications } = await broker.history(topic, { limit: 100 }, RETENTION);
      checkEqual(
        publications.map(({ id }) => id),
        ids,
        "ids",
      );
    },
  },
  {
    name: "keeps topics apart, whatever their names",
    async run(lab) {
      const broker = await lab.open();
      const listeners = new Map<string, RecordingListener>();
      for (const suffix of SIMILAR_NAMES) {
        const listener = new RecordingListener();
        listeners.set(suffix, listener);
        await broker.subscribe(lab.topic(suffix), listener);
      }
      for (const suffix of SIMILAR_NAMES) {
        const { position } = await publish(broker, lab.topic(suffix), suffix);
        checkEqual(position.offset, 1, `the offset on ${JSON.stringify(suffix)}`);
      }
      for (const [suffix, { publications }] of listeners) {
        await until(() => publications.length > 0, `a publication on ${JSON.stringify(suffix)}`);
        checkEqual(
          publications.map(({ data }) => data),
          [suffix],
          `what came on ${JSON.stringify(suffix)}`,
        );
      }
    },
  },
  {
    name: "reads the latest publications, or those behind a position",
    async run(lab) {
      const broker = await lab.open();
      const topic = lab.topic();
      for (const number of range(1, 10)) await publish(broker, topic, `${number}`);
      const latest = await broker.history(topic, { limit: 3 }, RETENTION);
      checkEqual(offsetsOf(latest.publications), [8, 9, 10], "the latest");
      checkEqual(latest.position.offset, 10, "the position");
      const { epoch } = latest.position;
      const read = async (offset: number, limit: number): Promise<readonly number[]> => {
        const since = { epoch, offset };
        const page = await broker.history(topic, { since, limit }, RETENTION);
        checkEqual(page.position, { epoch, offset: 10 }, "the position");
        return offsetsOf(page.publications);
      };
      checkEqual(await read(0, 100), range(1, 10), "from the start");
      checkEqual(await read(4, 3), [5, 6, 7], "from the middle");
      checkEqual(await read(9, 3), [10], "the last");
      checkEqual(await read(10, 3), [], "from the end");
      checkEqual(await read(4_000_000_000_000_000, 3), [], "from beyond the end");
      const empty = await broker.history(topic, { limit: 0 }, RETENTION);
      checkEqual(empty, { position: { epoch, offset: 10 }, publications: [] }, "the position only");
    },
  },
  {
    name: "gives a topic that nobody has used an epoch, which all nodes agree on",
    async run(lab) {
      const brokers = [await lab.open(), await lab.open()];
      const topic = lab.topic();
      const read = (): Promise<unknown[]> =>
        Promise.all(brokers.map((broker) => broker.history(topic, { limit: 5 }, RETENTION)));
      const [first, second] = await read();
      checkEqual(first, second, "what two nodes read");
      checkEqual(await read(), [first, first], "what they read again");
      const { position } = await publish(brokers[1], topic, "");
      const { epoch } = (first as { position: typeof position }).position;
      checkEqual(position, { epoch, offset: 1 }, "the position of the first publication");
    },
  },
  {
    name: "keeps the latest publications, and lets the oldest go first",
    async run(lab) {
      const broker = await lab.open();
      const topic = lab.topic();
      const retention = { ...RETENTION, size: 10 };
      for (const number of range(1, 40)) await publish(broker, topic, `${number}`, retention);
      const { position, publications } = await broker.history(topic, { limit: 100 }, retention);
      checkEqual(position.offset, 40, "the position");
      check(publications.length >= 10, `${publications.length} publications are kept, not 10`);
      checkEqual(offsetsOf(publications), range(41 - publications.length, 40), "what is kept");
      const since = { ...position, offset: 1 };
      const page = await broker.history(topic, { since, limit: 100 }, retention);
      const first = page.publications[0].position.offset;
      checkEqual(offsetsOf(page.publications), range(first, 40), "what is read");
    },
  },
  {
    name: "keeps the latest publication, whatever its size",
    async run(lab) {
      const broker = await lab.open();
      const topic = lab.topic();
      const retention = { ...RETENTION, bytes: 10 };
      await publish(broker, topic, "1", retention);
      await publish(broker, topic, "2".repeat(100), retention);
      const { publications } = await broker.history(topic, { limit: 10 }, retention);
      checkEqual(publications.at(-1)?.data, "2".repeat(100), "the latest");
    },
  },
  {
    name: "delivers nothing after a subscription has ended, and goes on for the others",
    async run(lab) {
      const broker = await lab.open();
      const topic = lab.topic();
      const [ended, going] = [new RecordingListener(), new RecordingListener()];
      const stop = await broker.subscribe(topic, ended);
      await broker.subscribe(topic, going);
      await stop();
      await publish(broker, topic, "");
      await until(() => going.publications.length === 1, "the other one is served");
      checkEqual(ended.publications.length, 0, "what came after the end");
    },
  },
  {
    name: "tells all nodes who is present, and when that changes",
    async run(lab) {
      const brokers = [await lab.open(), await lab.open()];
      const topic = lab.topic();
      const listener = new RecordingListener();
      await brokers[1].subscribe(topic, listener);
      const keys = async (): Promise<readonly string[]> =>
        (await brokers[1].members(topic)).map(({ key, value }) => `${key}=${value}`).toSorted();
      checkEqual(await keys(), [], "who is there at first");
      await brokers[0].enter(topic, { key: "a-1", value: '{"n":"😀"}' }, 60_000);
      await brokers[1].enter(topic, { key: "b-1", value: "" }, 60_000);
      checkEqual(await keys(), ['a-1={"n":"😀"}', "b-1="], "who is there");
      await until(() => listener.presenceChanges >= 2, "two changes are told");
      const before = listener.presenceChanges;
      await brokers[0].leave(topic, "a-1");
      checkEqual(await keys(), ["b-1="], "who is still there");
      await until(() => listener.presenceChanges > before, "the leave is told");
      await brokers[0].leave(topic, "a-1");
      checkEqual(await keys(), ["b-1="], "who is there after a second leave");
    },
  },
  {
    name: "lets a presence that is not renewed expire, and keeps one that is",
    async run(lab) {
      const broker = await lab.open();
      const topic = lab.topic();
      await broker.enter(topic, { key: "crashed", value: "" }, 1_000);
      await broker.enter(topic, { key: "alive", value: "" }, 1_000);
      await until(
        async () => {
          await broker.enter(topic, { key: "alive", value: "" }, 1_000);
          const members = await broker.members(topic);
          check(
            members.some(({ key }) => key === "alive"),
            "who is renewed stays",
          );
          return members.length === 1;
        },
        "who is not renewed goes",
        10_000,
      );
    },
  },
  {
    name: "keeps topics with listeners while other names are used, or rejects with TOPICS_FULL",
    needs: "openLimited",
    async run(lab) {
      const broker = await lab.openLimited(3);
      const listener = new RecordingListener();
      await broker.subscribe(lab.topic("kept"), listener);
      const { position } = await publish(broker, lab.topic("kept"), "1");
      for (const number of range(1, 20)) await publish(broker, lab.topic(`${number}`), "");
      await publish(broker, lab.topic("kept"), "2");
      await until(() => listener.publications.length === 2, "both are delivered");
      checkEqual(offsetsOf(listener.publications), [1, 2], "offsets");
      const page = await broker.history(lab.topic("kept"), { limit: 10 }, RETENTION);
      checkEqual(page.position, { ...position, offset: 2 }, "the position");
      const more = new RecordingListener();
      const stop = await broker.subscribe(lab.topic("b"), more);
      await broker.subscribe(lab.topic("c"), more);
      await broker.subscribe(lab.topic("c"), more);
      await checkFull(() => broker.subscribe(lab.topic("d"), more));
      await checkFull(() => broker.subscribe(lab.topic("d"), more));
      await publish(broker, lab.topic("kept"), "3");
      await until(() => listener.publications.length === 3, "the third is delivered");
      await stop();
      await broker.subscribe(lab.topic("d"), more);
      await checkFull(() => broker.subscribe(lab.topic("b"), more));
    },
  },
  {
    name: "gives a forgotten topic another epoch",
    needs: "openLimited",
    async run(lab) {
      const broker = await lab.openLimited(3);
      const topic = lab.topic();
      const { position } = await publish(broker, topic, "1");
      for (const number of range(1, 20)) await publish(broker, lab.topic(`${number}`), "");
      const page = await broker.history(
        topic,
        { since: { ...position, offset: 0 }, limit: 10 },
        RETENTION,
      );
      if (page.position.epoch === position.epoch) {
        checkEqual(page.position, position, "the position of a topic that was kept");
        checkEqual(offsetsOf(page.publications), [1], "what was kept");
      } else {
        checkEqual(page.publications, [], "what is left of a forgotten topic");
        checkEqual((await publish(broker, topic, "2")).position.offset, 1, "the offset");
      }
    },
  },
  {
    name: "rejects with BROKER_CLOSED once it is closed",
    async run(lab) {
      const broker = await lab.open();
      await broker.close();
      const calls = [
        () => publish(broker, lab.topic(), ""),
        () => broker.history(lab.topic(), { limit: 1 }, RETENTION),
        () => broker.subscribe(lab.topic(), new RecordingListener()),
        () => broker.enter(lab.topic(), { key: "a", value: "" }, 1_000),
        () => broker.leave(lab.topic(), "a"),
        () => broker.members(lab.topic()),
      ];
      for (const call of calls) {
        const error = await call().then(
          () => undefined,
          (reason: unknown) => reason,
        );
        check(error instanceof BrokerError, `${String(error)} is no BrokerError`);
        checkEqual((error as BrokerError).code, "BROKER_CLOSED", "the code");
      }
    },
  },
];

async function checkFull(call: () => Promise<unknown>): Promise<void> {
  const error = await call().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  check(error instanceof BrokerError, `${String(error)} is not a BrokerError`);
  checkEqual((error as BrokerError).code, "TOPICS_FULL", "the code");
}
