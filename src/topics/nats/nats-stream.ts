import { BrokerError } from "../../errors/index.ts";
import type { NatsConnection, NatsManager, NatsMessage } from "./nats-client.ts";
import { isStreamMissing } from "./nats-errors.ts";

/** A message of a stream. */
export interface StoredText {
  readonly subject: string;
  readonly text: string;
  /** Its number in the stream. */
  readonly sequence: number;
}

/** How a stream of ours is set up. */
export interface StreamLimits {
  readonly name: string;
  readonly subject: string;
  /** Where what was stored is published again. */
  readonly republishTo: string;
  readonly messagesPerSubject: number;
  readonly maxAgeMs: number;
  /** Infinity for no limit. */
  readonly maxBytes: number;
  readonly idWindowMs: number;
  readonly replicas: number;
}

const NANOS_PER_MS = 1_000_000;

/** How long a read may go without a message before it has failed. */
const READ_TIMEOUT_MS = 4_000;

/**
 * Makes a stream, or takes the one that is there.
 *
 * @throws BrokerError `BROKER_REFUSED` if that keeps less than it has to
 */
export async function ensureStream(manager: NatsManager, limits: StreamLimits): Promise<void> {
  const { name, subject, republishTo, messagesPerSubject, maxAgeMs, maxBytes, idWindowMs } = limits;
  const wanted = {
    name,
    subjects: [subject],
    retention: "limits",
    discard: "old",
    storage: "file",
    num_replicas: limits.replicas,
    max_msgs_per_subject: messagesPerSubject,
    max_age: maxAgeMs * NANOS_PER_MS,
    max_bytes: maxBytes === Infinity ? -1 : maxBytes,
    duplicate_window: idWindowMs * NANOS_PER_MS,
    republish: { src: subject, dest: republishTo },
  };
  try {
    const { config } = await manager.streams.info(name);
    const keepsEnough =
      isUnlimitedOr(config.max_msgs_per_subject, wanted.max_msgs_per_subject) &&
      isUnlimitedOr(config.max_age, wanted.max_age) &&
      isUnlimitedOr(config.max_bytes, wanted.max_bytes) &&
      config.duplicate_window >= wanted.duplicate_window &&
      config.republish?.dest !== undefined;
    if (keepsEnough) return;
  } catch (error) {
    if (!isStreamMissing(error)) throw error;
    // Of nodes that start together, each may add the same.
    await manager.streams.add(wanted);
    return;
  }
  throw new BrokerError(
    "BROKER_REFUSED",
    `the NATS stream ${name} is there already, and keeps less than asked for: change or delete it`,
  );
}

/**
 * Reads what a stream has of some subjects, in order, until there is no more at the time of the call,
 * or `isEnough`.
 */
export async function readStream(
  connection: NatsConnection,
  manager: NatsManager,
  stream: string,
  inbox: string,
  query: object,
  isEnough: (message: StoredText) => boolean = () => false,
): Promise<readonly StoredText[]> {
  const messages: StoredText[] = [];
  let timer: unknown;
  let finish!: () => void;
  let fail!: (error: Error) => void;
  const finished = new Promise<void>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  // Looked at only once the consumer is there.
  finished.catch(() => {});
  const restart = (): void => {
    clearTimeout(timer as never);
    timer = setTimeout(
      () => fail(new BrokerError("BROKER_TIMEOUT", "NATS has stopped in the middle of a reading")),
      READ_TIMEOUT_MS,
    );
  };
  const subscription = connection.subscribe(inbox, {
    callback: (error, message) => {
      if (error !== null) {
        fail(error);
        return;
      }
      restart();
      const delivered = readDelivered(message);
      if (delivered === undefined) return;
      messages.push(delivered);
      if (delivered.pending === 0 || isEnough(delivered)) finish();
    },
  });
  try {
    const { num_pending } = await manager.consumers.add(stream, {
      ...query,
      deliver_subject: inbox,
      ack_policy: "none",
      mem_storage: true,
      inactive_threshold: 5_000 * NANOS_PER_MS,
    });
    restart();
    if (num_pending > 0) await finished;
  } finally {
    clearTimeout(timer as never);
    subscription.unsubscribe();
  }
  return messages;
}

const decoder = new TextDecoder();

export function textOf({ data }: { readonly data: Uint8Array }): string {
  return decoder.decode(data);
}

/** `$JS.ACK.stream.consumer.deliveries.sequence.consumerSequence.time.pending`, at its end at least. */
function readDelivered(message: NatsMessage): (StoredText & { pending: number }) | undefined {
  const parts = (message.reply ?? "").split(".");
  if (parts[0] !== "$JS" || parts.length < 9) return undefined;
  // A newer form has the domain and the account in front, and one more at the end.
  const first = parts.length >= 11 ? 6 : 4;
  const [sequence, pending] = [Number(parts[first + 1]), Number(parts[first + 4])];
  return { subject: message.subject, text: textOf(message), sequence, pending };
}

function isUnlimitedOr(limit: number, atLeast: number): boolean {
  return limit <= 0 || limit >= atLeast;
}
