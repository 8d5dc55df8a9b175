import type { BrokerCaseDefinition } from "./broker-case.ts";
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

/** Cases for `publish`. */
export const PUBLISH_CASES: readonly BrokerCaseDefinition[] = [
  {
    name: "numbers the publications of a topic from 1 over all servers",
    async run(context) {
      const brokers = [await context.open(), await context.open()];
      const topic = context.topic();
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
      check(!receipts.some(({ isDuplicate }) => isDuplicate), "a new id is not a duplicate");
    },
  },
  {
    name: "stores an id once, even if several servers use it at the same time",
    async run(context) {
      const brokers = [await context.open(), await context.open()];
      const topic = context.topic();
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
      checkEqual(offsetsOf(publications), [1, 2], "the stored offsets");
    },
  },
  {
    name: "stores the same id on several topics",
    async run(context) {
      const broker = await context.open();
      for (const topic of [context.topic("a"), context.topic("b")]) {
        const receipt = await broker.publish(topic, { id: "one", data: "" }, RETENTION);
        checkEqual(receipt.isDuplicate, false, "isDuplicate");
      }
    },
  },
  {
    name: "accepts ids that have a meaning in JavaScript or in an engine",
    async run(context) {
      const broker = await context.open();
      const topic = context.topic();
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
];
