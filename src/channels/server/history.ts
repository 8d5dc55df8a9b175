import {
  formatPosition,
  type HistoryPage,
  type Publication,
  readPosition,
} from "../../topics/index.ts";
import { byteLength, encodeFrame, type ServerFrame } from "../wire/frames.ts";
import type { ClientFrameOf } from "../wire/server-session.ts";
import { acquireTopic } from "./acquire-topic.ts";
import type { ChannelConnection } from "./connection.ts";
import { brokerFailure, FORBIDDEN, INTERNAL, invalidRequest } from "./failures.ts";
import { runRule } from "./rules.ts";
import { isJson } from "./shared-publication.ts";
import type { TopicEntry } from "./topic-table.ts";

type HistoryFrame = ClientFrameOf<"history">;

/** The pages of history that one connection is reading. */
export class HistoryReads {
  readonly #connection: ChannelConnection;
  /** The entries of the topics, by the ids of the requests. */
  readonly #open = new Map<number, { readonly entry: TopicEntry }>();
  #pending = 0;

  constructor(connection: ChannelConnection) {
    this.#connection = connection;
  }

  read(frame: HistoryFrame): void {
    const entry = acquireTopic(this.#connection, frame, "maxPendingPages", {
      pending: this.#pending,
    });
    if (entry === undefined) return;
    this.#pending++;
    const read = { entry };
    this.#open.set(frame.id, read);
    void this.#answer(entry, frame).finally(() => {
      this.#pending--;
      if (this.#open.get(frame.id) === read) this.cancel(frame.id);
    });
  }

  /** The client does not wait for a page any more. The rule may never settle. */
  cancel(id: number): void {
    const read = this.#open.get(id);
    if (read === undefined) return;
    this.#open.delete(id);
    this.#connection.session.forget(id);
    this.#connection.environment.table.release(read.entry);
  }

  /** The connection has ended. */
  endAll(): void {
    for (const id of this.#open.keys()) this.cancel(id);
  }

  async #answer(entry: TopicEntry, frame: HistoryFrame): Promise<void> {
    const { session, environment } = this.#connection;
    const refusal = await this.#check(entry, frame);
    if (refusal !== undefined) {
      session.fail(frame.id, refusal);
      return;
    }
    try {
      const limit = Math.min(frame.limit, environment.limits.maxPageSize);
      this.#send(frame, await readHistory(entry, limit, frame));
    } catch (error) {
      const failure = brokerFailure(error);
      if (failure === undefined) environment.report(error, { kind: "subscribe", name: entry.name });
      session.fail(frame.id, failure ?? INTERNAL);
    }
  }

  #check(entry: TopicEntry, { before }: HistoryFrame): Promise<typeof FORBIDDEN | undefined> {
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

  #send(frame: HistoryFrame, page: HistoryPage): void {
    const { id, after } = frame;
    const { session, environment } = this.#connection;
    if (!session.isRequestOpen(id)) return;
    const items = page.publications.filter(isDeliverable).map((one) => encodeItem(id, one));
    const isForward = after !== undefined;
    const kept = cut(items, environment.limits.maxPageBytes, isForward);
    for (const item of kept) {
      const error = session.errorIfTooBig(item);
      if (error === undefined) continue;
      session.fail(id, error);
      return;
    }
    for (const item of kept) this.#connection.send(item);
    const result: Omit<Extract<ServerFrame, { type: "result" }>, "type" | "id"> = {
      position: formatPosition(page.position),
    };
    const isGap = !page.recovered && page.reason !== undefined && page.reason !== "no-position";
    if (isGap) result.reason = page.reason!;
    session.answer(id, result);
  }
}

/** Reads a page of the history: after a position, before a position, or the latest. @throws BrokerError */
export function readHistory(
  { topic }: TopicEntry,
  limit: number,
  { before, after }: { readonly before?: string; readonly after?: string },
): Promise<HistoryPage> {
  if (before !== undefined) return topic.history({ before, limit });
  return topic.history(after === undefined ? { limit } : { since: after, limit });
}

/** Code that does not use channels may publish text that is not JSON. Subscribers do not get it either. */
export function isDeliverable({ data }: Publication): boolean {
  return typeof data !== "string" || isJson(data);
}

/** The data of a text publication is JSON already, so it is not parsed and encoded again. */
function encodeItem(id: number, { position, data }: Publication): string | Uint8Array {
  const frame = { type: "item", id, position: formatPosition(position) } as const;
  if (typeof data !== "string") return encodeFrame(frame, data);
  return `${JSON.stringify(frame).slice(0, -1)},"data":${data}}`;
}

/** The first or last messages with at most `maxBytes` in total, and at least one. */
function cut(
  messages: readonly (string | Uint8Array)[],
  maxBytes: number,
  isForward: boolean,
): readonly (string | Uint8Array)[] {
  const ordered = isForward ? messages : messages.toReversed();
  let bytes = 0;
  const end = ordered.findIndex((message, index) => {
    bytes += byteLength(message);
    return bytes > maxBytes && index > 0;
  });
  const kept = end === -1 ? ordered : ordered.slice(0, end);
  return isForward ? kept : kept.toReversed();
}
