import { type ChannelError, PublicationsLostError } from "./channel-error.ts";
import type { ClientSession } from "./client-session.ts";
import { type SessionState, type StateHandler, retry, want } from "./client-state.ts";
import { createFlow, type FlowReader } from "./credit-flow.ts";
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

interface Subscription extends StateHandler {
  read(start: SubscriptionStart): FlowReader<SubscriptionValue>;
}

/** Subscribes a reader to a topic. All readers of a topic share one subscription. */
export function subscribe(
  session: ClientSession,
  topic: string,
  start: SubscriptionStart,
): FlowReader<SubscriptionValue> {
  return want(session, "subscribe", topic, (state) =>
    createSubscription(session, topic, start, state),
  ).read(start);
}

/** Creates the subscription to one topic. It follows the position of the last publication. */
function createSubscription(
  session: ClientSession,
  topic: string,
  /** Where the first reader starts, until the server has answered. */
  { last, since }: SubscriptionStart,
  state: () => SessionState,
): Subscription {
  const { creditBytes, timers } = session;
  const flow = createFlow<SubscriptionValue>(
    creditBytes,
    (bytes) => session.send({ type: "credit", topic, bytes }),
    // One task of grace: an application may end one loop and begin another.
    () => timers.setTimeout(() => flow.readers.size || state().close(), 0),
  );
  /** The position of the last publication. Undefined before the server's answer, and for volatile topics. */
  let position: string | undefined;
  let start: (position: string | undefined) => void;
  /** Resolves with the position in the first answer. */
  const started = new Promise<string | undefined>((resolve) => {
    start = resolve;
  });

  const moveTo = (next: string, lossReason?: string | false): void => {
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
    base = position,
  ): Promise<void> => {
    if (isLate) reader.before = undefined;
    base ??= await started;
    try {
      [reader.before, reader.isKnown] =
        isLate && base ? await readEarlier(session, topic, starts, base) : [[]];
      if (flow.readers.has(reader)) starts.onSubscribed?.();
    } catch (error) {
      if (retry(session, error as ChannelError, () => void begin(reader, starts, isLate, base)))
        return;
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
    receive(frame) {
      if (frame.type === "subscribed") {
        // There is a reason unless the server has recovered. Without an earlier position it is not a loss.
        const isLoss = (position ?? since) !== undefined;
        if (frame.position) moveTo(frame.position, isLoss && frame.reason);
        // The server may still send what it wrote before it got `unsubscribe`: then this replaces the receiver.
        session.subscriptions.set(frame.number, receive);
        last = since = undefined;
        start(position);
      } else if (frame.type === "lost") moveTo(frame.position, frame.reason);
    },
    end: flow.end,
  };
}
