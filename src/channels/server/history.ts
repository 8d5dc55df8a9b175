import { formatPosition, type HistoryPage, readPosition } from "../../topics/index.ts";
import type { ErrorFields, ServerFrame } from "../wire/frames.ts";
import type { ClientFrameOf } from "../wire/server-session.ts";
import { acquireTopic } from "./acquire-topic.ts";
import type { ChannelConnection } from "./connection.ts";
import { brokerFailure, FORBIDDEN, INTERNAL, invalidRequest } from "./failures.ts";
import { EncodedPage, type HistoryStart } from "./history-page.ts";
import { runRule } from "./rules.ts";
import type { TopicEntry } from "./topic-table.ts";

type HistoryFrame = ClientFrameOf<"history">;

/** A page that is being read. */
interface HistoryRead {
  readonly entry: TopicEntry;
  /** The bytes of a request that the client has cancelled. They count until the read has ended. */
  forgottenBytes: number;
}

/** The pages of history that one connection is reading. */
export class HistoryReads {
  readonly #connection: ChannelConnection;
  /** By the ids of the requests. */
  readonly #open = new Map<number, HistoryRead>();
  #pending = 0;
  /** Settles when the latest part of a page has been read. */
  #lastPart: Promise<void> = Promise.resolve();

  constructor(connection: ChannelConnection) {
    this.#connection = connection;
  }

  read(frame: HistoryFrame): void {
    const entry = acquireTopic(this.#connection, frame, "maxPendingPages", {
      pending: this.#pending,
    });
    if (entry === undefined) return;
    this.#pending++;
    const read: HistoryRead = { entry, forgottenBytes: 0 };
    this.#open.set(frame.id, read);
    void this.#answer(read, frame).finally(() => {
      this.#pending--;
      if (this.#open.get(frame.id) === read) this.cancel(frame.id);
      this.#connection.session.release(read.forgottenBytes);
    });
  }

  /** The client does not wait for a page any more. The rule may never settle. */
  cancel(id: number): void {
    const read = this.#open.get(id);
    if (read === undefined) return;
    this.#open.delete(id);
    read.forgottenBytes = this.#connection.session.forget(id);
    this.#connection.environment.table.release(read.entry);
  }

  /** The connection has ended. */
  endAll(): void {
    for (const id of this.#open.keys()) this.cancel(id);
  }

  async #answer(read: HistoryRead, frame: HistoryFrame): Promise<void> {
    const result = (await this.#check(read.entry, frame)) ?? (await this.#readPage(read, frame));
    if (!this.#isWanted(read, frame)) return;
    if (result instanceof EncodedPage) this.#send(frame.id, result);
    else this.#connection.session.fail(frame.id, result);
  }

  /** Whether the client waits for a page. It may use the id of a cancelled request again. */
  #isWanted(read: HistoryRead, { id }: HistoryFrame): boolean {
    return this.#open.get(id) === read;
  }

  #check(entry: TopicEntry, { before }: HistoryFrame): Promise<ErrorFields | undefined> {
    if (entry.compiled.isVolatile) {
      return Promise.resolve(invalidRequest("a volatile topic has no history"));
    }
    if (before !== undefined && readPosition(before) === undefined) {
      return Promise.resolve(invalidRequest("before is not a position"));
    }
    return new Promise((resolve) => {
      const deny = (hasThrown: boolean): void => resolve(hasThrown ? INTERNAL : FORBIDDEN);
      runRule(this.#connection, entry, "subscribe", undefined, () => resolve(undefined), deny);
    });
  }

  /**
   * Reads a page in parts, until it is complete or not wanted. Otherwise a page of large publications would take much
   * more memory than the bytes that are sent. Returns the error if the broker fails. Never rejects.
   */
  async #readPage(read: HistoryRead, frame: HistoryFrame): Promise<EncodedPage | ErrorFields> {
    const { environment } = this.#connection;
    const { limits } = environment;
    const limit = Math.min(frame.limit, limits.maxPageSize);
    const page = new EncodedPage({ ...frame, limit }, limits.maxPageBytes);
    try {
      while (!page.isComplete && this.#isWanted(read, frame)) {
        const size = page.nextSize;
        page.add(await this.#readPart(read.entry, size, page.start), size);
      }
      return page;
    } catch (error) {
      const failure = brokerFailure(error);
      if (failure === undefined)
        environment.report(error, { kind: "subscribe", name: read.entry.name });
      return failure ?? INTERNAL;
    }
  }

  /** Reads one part at a time, so that the parts of several pages are not in memory together. */
  #readPart(entry: TopicEntry, limit: number, start: HistoryStart): Promise<HistoryPage> {
    const part = this.#lastPart.then(() => readHistory(entry, limit, start));
    const settled = (): void => {};
    this.#lastPart = part.then(settled, settled);
    return part;
  }

  #send(id: number, { items, position, reason }: EncodedPage): void {
    const { session } = this.#connection;
    for (const item of items) {
      const error = session.errorIfTooBig(item);
      if (error === undefined) continue;
      session.fail(id, error);
      return;
    }
    for (const item of items) this.#connection.send(item);
    const result: Omit<Extract<ServerFrame, { type: "result" }>, "type" | "id"> = {
      position: formatPosition(position),
    };
    if (reason !== undefined) result.reason = reason;
    session.answer(id, result);
  }
}

/** Reads a page of the history: after a position, before a position, or the latest. @throws BrokerError */
export function readHistory(
  { topic }: TopicEntry,
  limit: number,
  { before, after }: HistoryStart,
): Promise<HistoryPage> {
  if (before !== undefined) return topic.history({ before, limit });
  return topic.history(after === undefined ? { limit } : { since: after, limit });
}
