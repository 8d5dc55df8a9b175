import { type Broker, type Topic, Topics, type TopicsOptions } from "../../topics/index.ts";
import type { BrokerCaseDefinition, BrokerLab } from "./broker-suite.ts";
import { check, checkEqual, range, until } from "./broker-support.ts";
import { RecordingSocket } from "./recording-socket.ts";

/** What topics make of a broker when things go wrong: once and in order, or told. */
export const RECOVERY_CASES: readonly BrokerCaseDefinition[] = [
  {
    name: "lets a subscriber come back to another node and miss nothing",
    async run(lab) {
      const [here, there] = [await openTopic(lab), await openTopic(lab)];
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
      checkEqual(second.numbers, range(6, 25), "what came after the return");
      checkEqual(second.losses, [], "losses");
    },
  },
  {
    name: "lets subscribers come back while others publish, without gap or duplicate at the seam",
    async run(lab) {
      const [here, there] = [await openTopic(lab), await openTopic(lab)];
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
        checkEqual(subscriber.numbers, range(1, 200), "what came");
      }
    },
  },
  {
    name: "says so where the history does not reach back far enough",
    async run(lab) {
      // More than any node keeps by itself, and than an engine may keep beyond its duty.
      const topic = await openTopic(lab, { historySize: 10 });
      const { lastPosition } = await join(topic);
      await publishAll(topic, range(1, 2_000));
      const late = await join(await openTopic(lab, { historySize: 10 }), lastPosition);
      if (late.recovered) {
        await until(() => late.numbers.length === 2_000, "all, as was promised");
        checkEqual(late.numbers, range(1, 2_000), "what came");
      } else {
        checkEqual(late.reason, "missing", "the reason");
        await publishAll(topic, [2_001]);
        await until(() => late.numbers.length === 1, "what is new");
        checkEqual(late.numbers, [2_001], "what came");
      }
    },
  },
  {
    name: "goes on after its connections were cut",
    needs: "interrupt",
    async run(lab) {
      const [here, there] = [await openTopic(lab), await openTopic(lab)];
      const subscribers = [await join(here), await join(there)];
      for (const round of range(0, 2)) {
        const publishing = publishAll(here, range(round * 50 + 1, round * 50 + 50));
        await until(() => here.published > round * 50 + 10, "some are published");
        await lab.harness.interrupt();
        await publishing;
      }
      for (const subscriber of subscribers) await checkComplete(subscriber, 150);
    },
  },
  {
    name: "goes on after the engine was started again in the middle of publishing",
    needs: "restart",
    async run(lab) {
      const [here, there] = [await openTopic(lab), await openTopic(lab)];
      const subscribers = [await join(here), await join(there)];
      const publishing = publishAll(here, range(1, 100));
      await until(() => here.published > 20, "some are published");
      await lab.harness.restart();
      await publishing;
      for (const subscriber of subscribers) await checkComplete(subscriber, 100);
    },
  },
  {
    name: "tells those who are there and those who come back that the engine has lost everything",
    needs: "forget",
    async run(lab) {
      const topic = await openTopic(lab, { checkIntervalMs: 100 });
      const here = await join(topic);
      await publishAll(topic, range(1, 5));
      await until(() => here.numbers.length === 5, "the first five");
      const { lastPosition } = here;
      await lab.harness.forget();
      const back = await join(await openTopic(lab), lastPosition);
      checkEqual(back.recovered, false, "recovered");
      await publishAll(topic, range(6, 9));
      await until(() => here.losses.length > 0, "the loss is told");
      await until(() => here.numbers.at(-1) === 9 && back.numbers.at(-1) === 9, "the last one");
      checkEqual(isIncreasing(here.numbers), true, "in order");
      check(!here.numbers.includes(6) || here.numbers.length === 9, "nothing missing untold");
    },
  },
];

/** A topic on a node of its own, which counts what was stored. */
interface LabTopic {
  readonly topic: Topic;
  published: number;
}

async function openTopic(lab: BrokerLab, options: TopicsOptions = {}): Promise<LabTopic> {
  const broker: Broker = await lab.open();
  const topics = new Topics({
    broker,
    // The engine may be away for as long as it takes to start it.
    publishTimeoutMs: 30_000,
    requestTimeoutMs: 2_000,
    onError: () => {},
    ...options,
  });
  lab.defer(() => topics.close());
  return { topic: topics.topic(lab.topic()), published: 0 };
}

/** Publishes one after the other, so that the order is ours. */
async function publishAll(target: LabTopic, numbers: readonly number[]): Promise<void> {
  for (const number of numbers) {
    await target.topic.publish(`${number}`, { id: `${number}` });
    target.published = number;
  }
}

async function join({ topic }: LabTopic, since?: unknown): Promise<Subscriber> {
  const socket = new RecordingSocket();
  const { recovered, reason } = await topic.subscribe(socket, { since });
  return new Subscriber(socket, recovered, reason);
}

/** Everything came, in order; or where something is missing, that was told. */
async function checkComplete(subscriber: Subscriber, last: number): Promise<void> {
  await until(
    () => subscriber.numbers.at(-1) === last,
    () => `the last of ${last}; got ${subscriber.numbers.join()}`,
  );
  check(isIncreasing(subscriber.numbers), `not in order: ${subscriber.numbers.join()}`);
  if (subscriber.losses.length === 0) checkEqual(subscriber.numbers, range(1, last), "what came");
}

function isIncreasing(numbers: readonly number[]): boolean {
  return numbers.every((number, index) => index === 0 || number > numbers[index - 1]);
}

/** What a socket was told, read from the envelope. */
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
