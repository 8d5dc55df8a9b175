import { shown } from "../../errors/check-options.ts";
import { describeError } from "../../errors/debug-log.ts";
import { BrokerError, UsageError } from "../../errors/index.ts";
import { quote } from "../../errors/quote.ts";
import type { PublicationDraft, BrokerPublishResult } from "../broker/broker.ts";
import { isShortText, notShortText } from "../broker/check-options.ts";
import type { TopicData } from "../broker/publication.ts";
import { backoffMs, delay } from "../broker/timers.ts";
import type { TopicSettings } from "./topic-options.ts";
import { type TopicsEnvironment, withTimeout } from "./topics-environment.ts";

/** Options of `topic.publish`. */
export interface PublishOptions {
  /**
   * Identifies the publication, so that you can retry safely: within `idWindowMs`, a further publication with
   * the same id is not stored, even if it has other data. 1 to 128 characters. Default: a random id.
   */
  readonly id?: string;
}

/** The result of `publish`: the position of the publication, and its id. */
export interface PublishResult extends BrokerPublishResult {
  /** The id of the publication. */
  readonly id: string;
}

/** Publishes, and retries if the broker cannot be reached. See `Topic.publish`. */
export async function publish(
  topic: string,
  environment: TopicsEnvironment,
  { retention, maxPublicationBytes }: TopicSettings,
  data: TopicData,
  id: string | undefined,
): Promise<PublishResult> {
  const { broker, timers, publishTimeoutMs, log } = environment;
  const draft = {
    id: checkId(id ?? crypto.randomUUID()),
    data: copyData(data, maxPublicationBytes),
  };
  // The broker needs to remember a random id only as long as this function retries, and attempts are pending.
  const idWindowMs = id === undefined ? 2 * publishTimeoutMs + 60_000 : retention.idWindowMs;
  const untilMs = performance.now() + publishTimeoutMs;
  for (let failures = 0; ; failures++) {
    try {
      const storing = broker.publish(topic, draft, { ...retention, idWindowMs });
      return { ...(await withTimeout(environment, storing)), id: draft.id };
    } catch (error) {
      const waitMs = backoffMs(failures);
      const canRetry = error instanceof BrokerError && error.isRetryable;
      if (!canRetry || performance.now() + waitMs >= untilMs) throw error;
      if (log.isEnabled) {
        log.write(
          () =>
            `topic ${quote(topic)} publish retries in ${Math.round(waitMs)} ms, after ${failures + 1} failures: ${describeError(error)}`,
        );
      }
      await delay(timers, waitMs);
    }
  }
}

function checkId(id: unknown): string {
  if (isShortText(id)) return id;
  throw new UsageError("INVALID_ID", notShortText("id", id));
}

/** Checks the data. Copies bytes, because the caller may change them later. @throws UsageError */
export function copyData(data: TopicData, maxPublicationBytes: number): PublicationDraft["data"] {
  if (typeof data !== "string" && !(data instanceof Uint8Array)) {
    throw new UsageError(
      "INVALID_DATA",
      `the data of a publication must be a string or a Uint8Array, not ${shown(data)}`,
    );
  }
  const byteLength = typeof data === "string" ? utf8Length(data) : data.byteLength;
  if (byteLength <= maxPublicationBytes) return typeof data === "string" ? data : data.slice();
  throw new UsageError(
    "PUBLICATION_TOO_BIG",
    `a publication of ${byteLength} bytes exceeds maxPublicationBytes ${maxPublicationBytes}; publish less data, or raise the limit`,
  );
}

function utf8Length(text: string): number {
  return encoder.encode(text).byteLength;
}

const encoder = new TextEncoder();
