import { type ChannelError, PublicationsLostError } from "./channel-error.ts";
import type { ClientSession } from "./client-session.ts";
import { type SessionState, type StateHandler, retry, want } from "./client-state.ts";
import { createFlow, type FlowReader } from "./credit-flow.ts";
import type { ServerFrame } from "./frames.ts";
import { readHistory, type TopicItem } from "./history.ts";

/** Where a reader of a topic starts. Without `last` and `since`, at the next publication. */
export interface SubscriptionStart {
  readonly last?: number | undefined;
  readonly since?: string | undefined;
}

/** An item, or an error: a `PublicationsLostError` at the place of a loss, or the last value of a reader. */
export type SubscriptionValue = TopicItem | Error;

interface Subscription extends StateHandler {
  read(start: SubscriptionStart): FlowReader<SubscriptionValue>;
}

/** The maximum number of items in one answer to `history`. */
const PAGE_SIZE = 1000;

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
    () => timers.setTimeout(() => flow.readers.size > 0 || state().close(), 0),
  );
  /** The position of the last publication. Undefined before the server's answer, and for volatile topics. */
  let position: string | undefined;
  let start: () => void;
  const started = new Promise<void>((resolve) => {
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
  /** Reads what a reader asks for, while the flow keeps what follows. */
  const readEarlier = async (
    reader: FlowReader<SubscriptionValue>,
    starts: SubscriptionStart,
  ): Promise<void> => {
    let after = starts.since;
    await started;
    const items: SubscriptionValue[] = [];
    try {
      while (position !== undefined) {
        const limit = after === undefined ? (starts.last ?? 0) : PAGE_SIZE;
        const page = await readHistory(session, topic, { after, limit });
        items.push(...page.messages);
        if (page.reason) items.push(new PublicationsLostError(page.reason, page.position));
        after = page.messages.at(-1)?.position ?? page.position;
        if (after === page.position) break;
      }
      const [epoch, offset] = after?.split(":") ?? [];
      reader.isKnown = (value) => {
        const [itsEpoch, itsOffset] = (value as TopicItem).position?.split(":") ?? [];
        return itsEpoch === epoch && +itsOffset <= +offset;
      };
    } catch (error) {
      if (retry(session, error as ChannelError, () => void readEarlier(reader, starts))) return;
      items.push(error as Error);
    }
    reader.before = items;
    reader.wake?.();
  };
  return {
    read(reads) {
      const reader = flow.read();
      if (reads.last !== last || reads.since !== since) {
        reader.before = undefined;
        void readEarlier(reader, reads);
      }
      return reader;
    },
    fields: () => ({
      credit: flow.open(),
      last,
      since: position ?? since,
    }),
    accept(frame) {
      const { number, position: next, reason } = frame as ServerFrame & { type: "subscribed" };
      // There is a reason unless the server has recovered. Without an earlier position it is not a loss.
      if (next !== undefined) moveTo(next, (position ?? since) !== undefined && reason);
      // The server may still send what it wrote before it got `unsubscribe`: then this replaces the receiver.
      session.subscriptions.set(number, receive);
      last = since = undefined;
      start();
    },
    notice(frame) {
      if (frame.type === "lost") moveTo(frame.position, frame.reason);
    },
    end(error) {
      position = undefined;
      start();
      flow.end(error);
    },
  };
}
