import { BrokerError, UsageError } from "../errors/index.ts";
import type { PublicationDraft, PublishReceipt } from "./broker.ts";
import { backoffMs, delay, type TopicsEnvironment, withTimeout } from "./topics-environment.ts";
import type { TopicData } from "./publication.ts";
import type { TopicSettings } from "./topic-options.ts";

export interface PublishOptions {
  /**
   * Names the publication: within `idWindowMs` of the first time, publishing again with the same id
   * changes nothing, whatever the data. 1 to 128 characters. Default: a random one.
   */
  readonly id?: string;
}

/** Where a publication stands. */
export interface Published extends PublishReceipt {
  readonly id: string;
}

const MAX_ID_LENGTH = 128;

interface Publisher {
  readonly context: TopicsEnvironment;
  readonly publishTimeoutMs: number;
}

/** See `Topic.publish`. */
export async function publish(
  topic: string,
  { context, publishTimeoutMs }: Publisher,
  { retention, maxPublicationBytes }: TopicSettings,
  data: TopicData,
  { id }: PublishOptions,
): Promise<Published> {
  const draft = { id: checkId(id ?? crypto.randomUUID()), data: copy(data, maxPublicationBytes) };
  // An id of ours has to be known for as long as we try, and no longer.
  const idWindowMs = id === undefined ? 2 * publishTimeoutMs + 60_000 : retention.idWindowMs;
  const untilMs = performance.now() + publishTimeoutMs;
  for (let failures = 0; ; failures++) {
    try {
      const storing = context.broker.publish(topic, draft, { ...retention, idWindowMs });
      return { ...(await withTimeout(context, storing)), id: draft.id };
    } catch (error) {
      const waitMs = backoffMs(failures);
      const canRetry = error instanceof BrokerError && error.isRetryable;
      if (!canRetry || performance.now() + waitMs >= untilMs) throw error;
      await delay(context.timers, waitMs);
    }
  }
}

function checkId(id: unknown): string {
  if (typeof id === "string" && id !== "" && id.length <= MAX_ID_LENGTH) return id;
  throw new UsageError("INVALID_ID", `an id is a text of 1 to ${MAX_ID_LENGTH} characters`);
}

/** The data, which its owner may change afterwards. */
function copy(data: TopicData, maxPublicationBytes: number): PublicationDraft["data"] {
  if (typeof data !== "string" && !(data instanceof Uint8Array)) {
    throw new UsageError("INVALID_DATA", `data is a string or a Uint8Array, not ${typeof data}`);
  }
  const byteLength = typeof data === "string" ? utf8Length(data) : data.byteLength;
  if (byteLength <= maxPublicationBytes) return typeof data === "string" ? data : data.slice();
  throw new UsageError(
    "PUBLICATION_TOO_BIG",
    `data of ${byteLength} bytes exceeds maxPublicationBytes ${maxPublicationBytes}`,
  );
}

function utf8Length(text: string): number {
  return encoder.encode(text).byteLength;
}

const encoder = new TextEncoder();
