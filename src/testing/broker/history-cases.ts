import type { BrokerCaseDefinition } from "./broker-case.ts";
import { check, checkEqual, offsetsOf, publish, range, RETENTION } from "./broker-support.ts";

/** Cases for `history` and retention. */
export const HISTORY_CASES: readonly BrokerCaseDefinition[] = [
  {
    name: "reads the latest publications, or the publications after a position",
    async run(context) {
      const broker = await context.open();
      const topic = context.topic();
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
    name: "gives a new topic an epoch that is the same for all servers",
    async run(context) {
      const brokers = [await context.open(), await context.open()];
      const topic = context.topic();
      const read = (): Promise<unknown[]> =>
        Promise.all(brokers.map((broker) => broker.history(topic, { limit: 5 }, RETENTION)));
      const [first, second] = await read();
      checkEqual(first, second, "the pages of two servers");
      checkEqual(await read(), [first, first], "the pages of the second read");
      const { position } = await publish(brokers[1], topic, "");
      const { epoch } = (first as { position: typeof position }).position;
      checkEqual(position, { epoch, offset: 1 }, "the position of the first publication");
    },
  },
  {
    name: "keeps the latest publications, and removes the oldest first",
    async run(context) {
      const broker = await context.open();
      const topic = context.topic();
      const retention = { ...RETENTION, size: 10 };
      for (const number of range(1, 40)) await publish(broker, topic, `${number}`, retention);
      const { position, publications } = await broker.history(topic, { limit: 100 }, retention);
      checkEqual(position.offset, 40, "the position");
      check(publications.length >= 10, `${publications.length} publications are kept, not 10`);
      checkEqual(offsetsOf(publications), range(41 - publications.length, 40), "the kept offsets");
      const since = { ...position, offset: 1 };
      const page = await broker.history(topic, { since, limit: 100 }, retention);
      const first = page.publications[0].position.offset;
      checkEqual(offsetsOf(page.publications), range(first, 40), "the offsets of the page");
    },
  },
  {
    name: "keeps the latest publication at any size",
    async run(context) {
      const broker = await context.open();
      const topic = context.topic();
      const retention = { ...RETENTION, bytes: 10 };
      await publish(broker, topic, "1", retention);
      await publish(broker, topic, "2".repeat(100), retention);
      const { publications } = await broker.history(topic, { limit: 10 }, retention);
      checkEqual(publications.at(-1)?.data, "2".repeat(100), "the latest");
    },
  },
];
