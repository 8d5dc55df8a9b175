import { type Broker, type Topic, Topics, type TopicsOptions } from "../../topics/index.ts";
import type { BrokerCaseContext, BrokerCaseDefinition } from "./broker-case.ts";
import { check, checkEqual, range, until } from "./broker-support.ts";
import { RecordingSocket } from "./recording-socket.ts";

/** Cases for topics on the broker when connections, servers or the engine fail. */
export const RECOVERY_CASES: readonly BrokerCaseDefinition[] = [
  {
    name: "lets a subscriber continue on another server without missing a publication",
    async run(context) {
      const [here, there] = [await openTopic(context), await openTopic(context)];
      const first = await join(here);
      await publishAll(here, range(1, 5));
      await until(() => first.numbers.length === 5, "the first five");
      first.socket.close();
      await publishAll(here, range(6, 20));
      const second = await join(there, first.lastPosition);
      await publishAll(there, range(21, 25));
      await until(
        () => second.numbers.length >= 20,
        () => `only ${second.numbers.join()}`,
      );
      checkEqual(second.numbers, range(6, 25), "the publications on the other server");
      checkEqual(second.losses, [], "losses");
    },
  },
  {
    name: "lets subscribers continue during publishing, without a gap or a duplicate",
    async run(context) {
      const [here, there] = [await openTopic(context), await openTopic(context)];
      const { lastPosition } = await join(here);
      const subscribers: Subscriber[] = [];
      await Promise.all([
        publishAll(here, range(1, 200)),
        ...range(1, 20).map(async (number) => {
          await until(() => here.published >= number * 9, "enough is published");
          subscribers.push(await join(number % 2 === 0 ? here : there, lastPosition));
        }),
      ]);
      for (const subscriber of subscribers) {
        await until(() => subscriber.numbers.length >= 200, "all two hundred");
        checkEqual(subscriber.numbers, range(1, 200), "the publications");
      }
    },
  },
  {
    name: "reports a loss if the history does not reach back far enough",
    async run(context) {
      // More than a server keeps in memory, and more than an engine is likely to keep.
      const topic = await openTopic(context, { historySize: 10 });
      const { lastPosition } = await join(topic);
      await publishAll(topic, range(1, 2_000));
      const late = await join(await openTopic(context, { historySize: 10 }), lastPosition);
      if (late.recovered) {
        await until(() => late.numbers.length === 2_000, "all publications");
        checkEqual(late.numbers, range(1, 2_000), "the publications");
      } else {
        checkEqual(late.reason, "missing", "the reason");
        await publishAll(topic, [2_001]);
        await until(() => late.numbers.length === 1, "the new publication");
        checkEqual(late.numbers, [2_001], "the publications");
      }
    },
  },
  {
    name: "continues after its connections were interrupted",
    needs: "interrupt",
    async run(context) {
      const [here, there] = [await openTopic(context), await openTopic(context)];
      const subscribers = [await join(here), await join(there)];
      for (const round of range(0, 2)) {
        const publishing = publishAll(here, range(round * 50 + 1, round * 50 + 50));
        await until(() => here.published > round * 50 + 10, "some are published");
        await context.harness.interrupt();
        await publishing;
      }
      for (const subscriber of subscribers) await checkComplete(subscriber, 150);
    },
  },
  {
    name: "continues after the engine was restarted during publishing",
    needs: "restart",
    async run(context) {
      const [here, there] = [await openTopic(context), await openTopic(context)];
      const subscribers = [await join(here), await join(there)];
      const publishing = publishAll(here, range(1, 100));
      await until(() => here.published > 20, "some are published");
      await context.harness.restart();
      await publishing;
      for (const subscriber of subscribers) await checkComplete(subscriber, 100);
    },
  },
  {
    name: "notifies connected and reconnecting subscribers when the engine has lost all data",
    needs: "forget",
    async run(context) {
      const topic = await openTopic(context, { checkIntervalMs: 100 });
      const here = await join(topic);
      await publishAll(topic, range(1, 5));
      await until(() => here.numbers.length === 5, "the first five");
      const { lastPosition } = here;
      await context.harness.forget();
      const back = await join(await openTopic(context), lastPosition);
      checkEqual(back.recovered, false, "recovered");
      await publishAll(topic, range(6, 9));
      await until(() => here.losses.length > 0, "the loss is reported");
      await until(
        () => here.numbers.at(-1) === 9 && back.numbers.at(-1) === 9,
        "the last publication",
      );
      checkEqual(isIncreasing(here.numbers), true, "in order");
      check(!here.numbers.includes(6) || here.numbers.length === 9, "every loss is reported");
    },
  },
];

/** A topic on a separate server, with the last stored number. */
interface CountedTopic {
  readonly topic: Topic;
  published: number;
}

async function openTopic(
  context: BrokerCaseContext,
  options: TopicsOptions = {},
): Promise<CountedTopic> {
  const broker: Broker = await context.open();
  const topics = new Topics({
    broker,
    // The engine may take long to start.
    publishTimeoutMs: 30_000,
    requestTimeoutMs: 2_000,
    onError: () => {},
    ...options,
  });
  context.defer(() => topics.close());
  return { topic: topics.topic(context.topic()), published: 0 };
}

/** Publishes one number after the other, so that their order is known. */
async function publishAll(target: CountedTopic, numbers: readonly number[]): Promise<void> {
  for (const number of numbers) {
    await target.topic.publish(`${number}`, { id: `${number}` });
    target.published = number;
  }
}

async function join({ topic }: CountedTopic, since?: unknown): Promise<Subscriber> {
  const socket = new RecordingSocket();
  const { recovered, reason } = await topic.subscribe(socket, { since });
  return new Subscriber(socket, recovered, reason);
}

/** Checks that everything arrived in order, or that a loss was reported. */
async function checkComplete(subscriber: Subscriber, last: number): Promise<void> {
  await until(
    () => subscriber.numbers.at(-1) === last,
    () => `the last of ${last}; got ${subscriber.numbers.join()}`,
  );
  check(isIncreasing(subscriber.numbers), `not in order: ${subscriber.numbers.join()}`);
  if (subscriber.losses.length === 0) {
    checkEqual(subscriber.numbers, range(1, last), "the publications");
  }
}

function isIncreasing(numbers: readonly number[]): boolean {
  return numbers.every((number, index) => index === 0 || number > numbers[index - 1]);
}

/** Reads the messages that topics sent to a socket, in the default envelope. */
class Subscriber {
  readonly socket: RecordingSocket;
  readonly recovered: boolean;
  readonly reason: string | undefined;

  constructor(socket: RecordingSocket, recovered: boolean, reason: string | undefined) {
    this.socket = socket;
    this.recovered = recovered;
    this.reason = reason;
  }

  get numbers(): readonly number[] {
    return this.#messages("publication").map(({ text }) => Number(text));
  }

  get losses(): readonly string[] {
    return this.#messages("lost").map(({ reason }) => reason);
  }

  get lastPosition(): string {
    return (JSON.parse(this.socket.sent.at(-1) as string) as Received).position;
  }

  #messages(type: string): readonly Received[] {
    return this.socket.sent
      .map((text) => JSON.parse(text as string) as Received)
      .filter((message) => message.type === type);
  }
}

interface Received {
  readonly type: string;
  readonly position: string;
  readonly text: string;
  readonly reason: string;
}
