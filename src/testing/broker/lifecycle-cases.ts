import { BrokerError } from "../../topics/index.ts";
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

/** Cases for the limit on topics, and for `close`. */
export const LIFECYCLE_CASES: readonly BrokerCaseDefinition[] = [
  {
    name: "keeps topics with listeners while other names are used, or rejects with TOPICS_FULL",
    needs: "openLimited",
    async run(context) {
      const broker = await context.openLimited(3);
      const listener = new RecordingListener();
      await broker.subscribe(context.topic("kept"), listener);
      const { position } = await publish(broker, context.topic("kept"), "1");
      for (const number of range(1, 20)) await publish(broker, context.topic(`${number}`), "");
      await publish(broker, context.topic("kept"), "2");
      await until(() => listener.publications.length === 2, "both are delivered");
      checkEqual(offsetsOf(listener.publications), [1, 2], "offsets");
      const page = await broker.history(context.topic("kept"), { limit: 10 }, RETENTION);
      checkEqual(page.position, { ...position, offset: 2 }, "the position");
      const more = new RecordingListener();
      const stop = await broker.subscribe(context.topic("b"), more);
      await broker.subscribe(context.topic("c"), more);
      await broker.subscribe(context.topic("c"), more);
      await checkRejects(() => broker.subscribe(context.topic("d"), more), "TOPICS_FULL");
      await checkRejects(() => broker.subscribe(context.topic("d"), more), "TOPICS_FULL");
      await publish(broker, context.topic("kept"), "3");
      await until(() => listener.publications.length === 3, "the third is delivered");
      await stop();
      await broker.subscribe(context.topic("d"), more);
      await checkRejects(() => broker.subscribe(context.topic("b"), more), "TOPICS_FULL");
    },
  },
  {
    name: "gives an evicted topic another epoch",
    needs: "openLimited",
    async run(context) {
      const broker = await context.openLimited(3);
      const topic = context.topic();
      const { position } = await publish(broker, topic, "1");
      for (const number of range(1, 20)) await publish(broker, context.topic(`${number}`), "");
      const page = await broker.history(
        topic,
        { since: { ...position, offset: 0 }, limit: 10 },
        RETENTION,
      );
      if (page.position.epoch === position.epoch) {
        checkEqual(page.position, position, "the position of a topic that was kept");
        checkEqual(offsetsOf(page.publications), [1], "the offsets of a topic that was kept");
      } else {
        checkEqual(page.publications, [], "the history of an evicted topic");
        checkEqual((await publish(broker, topic, "2")).position.offset, 1, "the offset");
      }
    },
  },
  {
    name: "rejects with BROKER_CLOSED once it is closed",
    async run(context) {
      const broker = await context.open();
      await broker.close();
      const calls = [
        () => publish(broker, context.topic(), ""),
        () => broker.history(context.topic(), { limit: 1 }, RETENTION),
        () => broker.subscribe(context.topic(), new RecordingListener()),
        () => broker.enter(context.topic(), { key: "a", value: "" }, 1_000),
        ...(broker.send === undefined ? [] : [() => broker.send!(context.topic(), { data: "" })]),
        () => broker.leave(context.topic(), "a"),
        () => broker.members(context.topic()),
      ];
      for (const call of calls) await checkRejects(call, "BROKER_CLOSED");
    },
  },
];

async function checkRejects(call: () => Promise<unknown>, code: string): Promise<void> {
  const error = await call().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  check(error instanceof BrokerError, `expected a BrokerError, and got ${String(error)}`);
  checkEqual((error as BrokerError).code, code, "the code");
}
