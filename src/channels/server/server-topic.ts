import type { ChannelHistoryPage, ChannelMember, ChannelPublishResult } from "tideway/channels";
import { UsageError } from "../../errors/index.ts";
import {
  formatPosition,
  type HistoryPage,
  readPosition,
  type TopicData,
} from "../../topics/index.ts";
import type {
  ServerHistoryOptions,
  ServerPresence,
  ServerPublishOptions,
  ServerTopic,
} from "./channels-interface.ts";
import { readHistory } from "./history.ts";
import { isDeliverable } from "./history-page.ts";
import { encodeMessage } from "./message.ts";
import type { TopicEntry, TopicTable } from "./topic-table.ts";

/** A topic for code of the server that is not a rule or handler. No rule applies. */
export class ServerTopicHandle implements ServerTopic<unknown, unknown>, ServerPresence<unknown> {
  readonly name: string;
  readonly #table: TopicTable;

  /** @param name a name that matches a pattern of the contract */
  constructor(name: string, table: TopicTable) {
    this.name = name;
    this.#table = table;
  }

  publish(message: unknown, options: ServerPublishOptions = {}): Promise<ChannelPublishResult> {
    return this.#use((entry) => publishMessage(entry, message, options.id));
  }

  async history({ limit = 100, ...options }: ServerHistoryOptions = {}): Promise<
    ChannelHistoryPage<unknown>
  > {
    const { before, after } = options;
    checkPosition("before", before);
    checkPosition("after", after);
    if (before !== undefined && after !== undefined) {
      throw new UsageError("INVALID_OPTION", "history: pass before or after, not both");
    }
    return this.#use(async (entry) => toPage(await readHistory(entry, limit, options)));
  }

  async members(): Promise<readonly ChannelMember<unknown>[]> {
    const members = await this.#use(({ topic }) => topic.members());
    return members.map(({ id, data }) => ({ id, data }));
  }

  async #use<T>(action: (entry: TopicEntry) => Promise<T>): Promise<T> {
    const entry = this.#table.acquire(this.name)!;
    try {
      return await action(entry);
    } finally {
      this.#table.release(entry);
    }
  }
}

/**
 * Validates and publishes a message of the server.
 *
 * @throws UsageError `INVALID_MESSAGE`, `INVALID_ID`, `PUBLICATION_TOO_BIG`
 * @throws BrokerError
 */
export async function publishMessage(
  { topic, compiled }: TopicEntry,
  message: unknown,
  id: string | undefined,
): Promise<ChannelPublishResult> {
  const data = await encodeMessage(compiled.messageSchema, message);
  if (compiled.isVolatile) {
    await topic.send(data);
    return { isDuplicate: false };
  }
  const options = id === undefined ? {} : { id };
  const { position, isDuplicate } = await topic.publish(data, options);
  return { position: formatPosition(position), isDuplicate };
}

function toPage(page: HistoryPage): ChannelHistoryPage<unknown> {
  const messages = page.publications.filter(isDeliverable).map(({ position, data }) => ({
    data: decode(data),
    position: formatPosition(position),
  }));
  const position = formatPosition(page.position);
  const isComplete = page.recovered || page.reason === undefined || page.reason === "no-position";
  return isComplete ? { messages, position } : { messages, position, reason: page.reason };
}

function decode(data: TopicData): unknown {
  return typeof data === "string" ? (JSON.parse(data) as unknown) : data;
}

/** @throws UsageError `INVALID_POSITION` */
function checkPosition(name: string, value: unknown): void {
  if (value === undefined || readPosition(value) !== undefined) return;
  throw new UsageError("INVALID_POSITION", `history: ${name} is not a position of a publication`);
}
