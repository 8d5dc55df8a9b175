import type { Broker } from "tideway/topics";

/** The engine of a broker under test, as `brokerSuite` needs it. */
export interface BrokerHarness {
  /** Opens a broker on the engine, each for another server. The suite closes it. */
  open(): Promise<Broker>;
  /** Cuts all connections between brokers and the engine. The brokers must reconnect by themselves. */
  interrupt?(): Promise<void>;
  /** Kills the engine and starts it again, with what it has stored. */
  restart?(): Promise<void>;
  /** Makes the engine lose everything. */
  forget?(): Promise<void>;
  /** Opens a broker for at most `maxTopics` topics, on an engine without other topics. */
  openLimited?(maxTopics: number): Promise<Broker>;
}

/** A test case for a test runner. */
export interface BrokerCase {
  /** A sentence, to be read after the name of the broker. */
  readonly name: string;
  /** Runs the case. Rejects with an error that says what is wrong. */
  readonly run: () => Promise<void>;
}

/** The context of a case of the suite. */
export interface BrokerCaseContext {
  readonly harness: Required<BrokerHarness>;
  /** Opens a broker that is closed after the case. */
  open(): Promise<Broker>;
  /** Opens a broker for at most `maxTopics` topics, which is closed after the case. */
  openLimited(maxTopics: number): Promise<Broker>;
  /** The name of a topic that only this case uses. */
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
