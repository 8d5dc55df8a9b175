import { type NatsRecord, type NumberedRecord, readRecord } from "./nats-record.ts";
import { type IsLast, type NatsStream, type ReadQuery, textOf } from "./nats-stream.ts";

/** Reads the messages of topics from a stream. */
export class NatsHistoryReader {
  readonly #stream: NatsStream;

  constructor(stream: NatsStream) {
    this.#stream = stream;
  }

  /** Reads the record of the message with a sequence number. Undefined if it is no longer stored. */
  async recordAt(sequence: number): Promise<NatsRecord | undefined> {
    const message = await this.#stream.messageAt(sequence);
    return message === null ? undefined : readRecord(textOf(message));
  }

  /**
   * Reads the messages from `firstSequence` to `lastSequence`, or to the first for which `isLast` returns true. None
   * are missing between them.
   */
  async readUntil(
    subject: string,
    lastSequence: number,
    firstSequence?: number,
    isLast: IsLast = ({ sequence }) => sequence >= lastSequence,
  ): Promise<readonly NumberedRecord[]> {
    const query: ReadQuery =
      firstSequence === undefined
        ? { filter_subject: subject, deliver_policy: "all" }
        : {
            filter_subject: subject,
            deliver_policy: "by_start_sequence",
            opt_start_seq: Math.max(1, firstSequence),
          };
    const read = await this.#stream.read(query, isLast);
    const messages = read
      .filter(({ sequence }) => sequence <= lastSequence)
      .map(({ sequence, text }) => ({ sequence, record: readRecord(text) }));
    return this.#withoutGap(subject, messages);
  }

  /**
   * Leaves out the messages that NATS has removed during the read. Others between them may be missing, so
   * following messages could not be counted.
   */
  async #withoutGap(
    subject: string,
    messages: readonly NumberedRecord[],
  ): Promise<readonly NumberedRecord[]> {
    if (!messages.some(({ record }) => record.kind === "following")) return messages;
    const first = await this.#stream.nextMessage(subject, messages[0].sequence);
    return first === null ? [] : messages.filter(({ sequence }) => sequence >= first.seq);
  }
}
