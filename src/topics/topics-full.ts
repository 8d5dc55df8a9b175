import { BrokerError } from "../errors/index.ts";

/** As many as a server has connections by default. */
export const DEFAULT_MAX_TOPICS = 65_536;

/** @param what the topics have that keeps them from being forgotten */
export function topicsFull(maxTopics: number, what: string = "subscribers"): BrokerError {
  return new BrokerError(
    "TOPICS_FULL",
    `all of maxTopics ${maxTopics} topics have ${what}; raise maxTopics, or limit the names that clients may use`,
  );
}
