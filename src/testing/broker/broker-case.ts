import type { Broker } from "tideway/topics";

/**
 * The functions with which `brokerSuite` opens brokers and causes faults in their engine. Only `open` is
 * required.
 */
export interface BrokerHarness {
  /** Opens a broker on the engine. Each broker represents another server. The suite closes it. */
  open(): Promise<Broker>;
  /** Cuts all connections between brokers and the engine. The brokers must reconnect automatically. */
  interrupt?(): Promise<void>;
  /** Kills the engine and starts it again, with its stored data. */
  restart?(): Promise<void>;
  /** Deletes all data of the engine. */
  forget?(): Promise<void>;
  /** Opens a broker for at most `maxTopics` topics, on an engine without other topics. */
  openLimited?(maxTopics: number): Promise<Broker>;
}

/** A test case of `brokerSuite`. */
export interface BrokerCase {
  /**
   * The name of the case: a sentence about the broker, such as "keeps the latest publication at any size".
   */
  readonly name: string;
  /** Runs the case. Rejects with an error that describes the failure. */
  readonly run: () => Promise<void>;
}

/** The functions that a case of the suite uses. */
export interface BrokerCaseContext {
  readonly harness: Required<BrokerHarness>;
  /** Opens a broker that is closed after the case. */
  open(): Promise<Broker>;
  /** Opens a broker for at most `maxTopics` topics, which is closed after the case. */
  openLimited(maxTopics: number): Promise<Broker>;
  /** Returns the name of a topic that only this case uses. */
  topic(suffix?: string): string;
  /** Adds a function that runs after the case. The last one added runs first. */
  defer(cleanUp: () => unknown): void;
}

/** A case of the suite, before it has a harness. */
export interface BrokerCaseDefinition {
  readonly name: string;
  /** The optional method of the harness that the case needs. */
  readonly needs?: "interrupt" | "restart" | "forget" | "openLimited";
  readonly run: (context: BrokerCaseContext) => Promise<void>;
}
