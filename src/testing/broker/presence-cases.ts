import { type Presence, type Topic, Topics } from "../../topics/index.ts";
import type { BrokerCaseContext, BrokerCaseDefinition } from "./broker-case.ts";
import { check, checkEqual, RecordingListener, until } from "./broker-support.ts";
import { RecordingSocket } from "./recording-socket.ts";

/** Cases for `enter`, `leave` and `members`. */
export const PRESENCE_CASES: readonly BrokerCaseDefinition[] = [
  {
    name: "shows the same members to all servers, and notifies them of changes",
    async run(context) {
      const brokers = [await context.open(), await context.open()];
      const topic = context.topic();
      const listener = new RecordingListener();
      await brokers[1].subscribe(topic, listener);
      const keys = async (): Promise<readonly string[]> =>
        (await brokers[1].members(topic)).map(({ key, value }) => `${key}=${value}`).toSorted();
      checkEqual(await keys(), [], "members at first");
      await brokers[0].enter(topic, { key: "a-1", value: '{"n":"😀"}' }, 60_000);
      await brokers[1].enter(topic, { key: "b-1", value: "" }, 60_000);
      checkEqual(await keys(), ['a-1={"n":"😀"}', "b-1="], "members");
      await until(() => listener.presenceChanges >= 2, "two presence changes");
      const before = listener.presenceChanges;
      await brokers[0].leave(topic, "a-1");
      checkEqual(await keys(), ["b-1="], "members after a leave");
      await until(() => listener.presenceChanges > before, "the presence change of a leave");
      await brokers[0].leave(topic, "a-1");
      checkEqual(await keys(), ["b-1="], "members after a second leave");
    },
  },
  {
    name: "notifies all servers of an entry with another value",
    async run(context) {
      const [broker, other] = [await context.open(), await context.open()];
      const topic = context.topic();
      const listener = new RecordingListener();
      await other.subscribe(topic, listener);
      await broker.enter(topic, { key: "a", value: "1" }, 60_000);
      await until(() => listener.presenceChanges >= 1, "the first presence change");
      const before = listener.presenceChanges;
      await broker.enter(topic, { key: "a", value: "2" }, 60_000);
      await until(() => listener.presenceChanges > before, "the presence change of a new value");
      checkEqual(await other.members(topic), [{ key: "a", value: "2" }], "members");
    },
  },
  {
    name: "lets a member return on another server without a leave and a join",
    async run(context) {
      const [here, there, watching] = [
        await openTopic(context),
        await openTopic(context),
        await openTopic(context),
      ];
      const events: string[] = [];
      await watching.watchMembers(({ type, member }) => events.push(`${type} ${member.id}`));
      const enter = (topic: Topic, key: string, replaces?: string): Promise<Presence> =>
        topic.enter(
          new RecordingSocket(),
          { id: "ann" },
          { graceMs: 60_000, key, ...(replaces !== undefined && { replaces }) },
        );
      (await enter(here, "ann-1")).startGrace();
      const presence = await enter(there, "ann-2", "ann-1");
      await watching.enter(new RecordingSocket(), { id: "bob" }, { key: "bob" });
      await until(() => events.includes("join bob"), "the join of the next member");
      await presence.leave();
      await until(() => events.length === 3, "the leave");
      checkEqual(events, ["join ann", "join bob", "leave ann"], "the changes");
      checkEqual(await here.members(), [{ id: "bob" }], "the members");
    },
  },
  {
    name: "removes members that are not renewed, and keeps members that are renewed",
    async run(context) {
      const broker = await context.open();
      const topic = context.topic();
      await broker.enter(topic, { key: "crashed", value: "" }, 1_000);
      await broker.enter(topic, { key: "alive", value: "" }, 1_000);
      await until(
        async () => {
          await broker.enter(topic, { key: "alive", value: "" }, 1_000);
          const members = await broker.members(topic);
          check(
            members.some(({ key }) => key === "alive"),
            "a renewed entry stays",
          );
          return members.length === 1;
        },
        "an entry that is not renewed expires",
        10_000,
      );
    },
  },
];

/** Opens the topic of a case on a separate server. */
async function openTopic(context: BrokerCaseContext): Promise<Topic> {
  const topics = new Topics({ broker: await context.open(), requestTimeoutMs: 20_000 });
  context.defer(() => topics.close());
  return topics.topic(context.topic());
}
