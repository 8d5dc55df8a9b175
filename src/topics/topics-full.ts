import { BrokerError } from "../errors/index.ts";

/** The default of `maxTopics`, the same as that of `maxConnections`. */
export const DEFAULT_MAX_TOPICS = 65_536;

/** @param what keeps the topics from being forgotten, for the message */
export function topicsFull(maxTopics: number, what: string = "subscribers"): BrokerError {
  return new BrokerError(
    "TOPICS_FULL",
    `all of maxTopics ${maxTopics} topics have ${what}; raise maxTopics, or limit the names that clients may use`,
  );
}
