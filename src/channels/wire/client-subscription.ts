import type { LossReason } from "../../topic-names/loss-reason.ts";
import { PublicationsLostError } from "./channel-error.ts";
import type { ClientSession } from "./client-session.ts";
import { follow, type SessionState, type StateHandler } from "./client-state.ts";
import type { CreditFlow, FlowReader } from "./credit-flow.ts";
import { readEarlier } from "./earlier-items.ts";
import type { TopicItem } from "./history.ts";

/** Where a reader of a topic starts. Without `last` and `since`, at the next publication. */
export interface SubscriptionStart {
  readonly last?: number | undefined;
  readonly since?: string | undefined;
  /** Called when the server has accepted the subscription, before the first item. */
  readonly onSubscribed?: (() => void) | undefined;
}

/** An item, or an error: a `PublicationsLostError` at the place of a loss, or the last value of a reader. */
export type SubscriptionValue = TopicItem | Error;

interface Subscription extends Omit<StateHandler, "end"> {
  read(start: SubscriptionStart): FlowReader<SubscriptionValue>;
}

/** Subscribes a reader to a topic. All readers of a topic share one subscription. */
export function subscribe(
  session: ClientSession,
  topic: string,
  start: SubscriptionStart,
): FlowReader<SubscriptionValue> {
  return follow(session, "subscribe", topic, start, (flow) =>
    createSubscription(session, topic, start, flow),
  );
}

/** Creates the subscription to one topic. It follows the position of the last publication. */
function createSubscription(
  session: ClientSession,
  topic: string,
  /** Where the first reader starts, until the server has answered. */
  { last, since }: SubscriptionStart,
  flow: CreditFlow<SubscriptionValue>,
): Subscription {
  /** The position of the last publication. Undefined before the server's answer, and for volatile topics. */
  let position: string | undefined;
  let start: (position: string | undefined) => void;
  /** Resolves with the position in the first answer. */
  const started = new Promise<string | undefined>((resolve) => {
    start = resolve;
  });

  const moveTo = (next: string, lossReason?: LossReason): void => {
    position = next;
    if (lossReason) flow.push(new PublicationsLostError(lossReason, next));
  };
  const receive = (data: unknown, bytes: number): void => {
    position &&= position.replace(/\d+$/, (offset) => `${+offset + 1}`);
    flow.push({ data, position }, bytes);
  };
  /** Reads what a late reader asks for, while the flow keeps everything after the position `base`. */
  const begin = async (
    reader: FlowReader<SubscriptionValue>,
    starts: SubscriptionStart,
    isLate: boolean,
  ): Promise<void> => {
    const isWanted = (): boolean => flow.readers.has(reader);
    if (isLate) reader.before = undefined;
    const base = position ?? (await started);
    try {
      [reader.before, reader.isKnown] =
        isLate && base ? await readEarlier(session, topic, starts, base, isWanted) : [[]];
      if (isWanted()) starts.onSubscribed?.();
    } catch (error) {
      reader.before = [error as Error];
    }
    reader.wake?.();
  };
  return {
    read(starts) {
      const reader = flow.read();
      void begin(reader, starts, starts.last !== last || starts.since !== since);
      return reader;
    },
    fields: () => ({
      credit: flow.open(),
      last,
      since: position ?? since,
    }),
    receive(this: SessionState, frame) {
      if (frame.type === "subscribed") {
        // There is a reason unless the server has recovered. Without an earlier position it is not a loss.
        if (frame.position)
          moveTo(frame.position, ((position ?? since) && frame.reason) as LossReason | undefined);
        else session.volatile.add(topic);
        session.receivers.set((this.request!.number = frame.number), receive);
        last = since = undefined;
        start(position);
      } else if (frame.type === "lost") moveTo(frame.position, frame.reason);
    },
  };
}
