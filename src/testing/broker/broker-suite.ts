import type { Broker } from "tideway/topics";
import { BROKER_CASES } from "./broker-cases.ts";
import { RECOVERY_CASES } from "./recovery-cases.ts";

/** An engine with brokers, as a suite needs it. */
export interface BrokerHarness {
  /** Makes a broker on the engine: each is that of another node. The suite closes it. */
  open(): Promise<Broker>;
  /** Cuts all connections between brokers and the engine. They come back by themselves. */
  interrupt?(): Promise<void>;
  /** Ends the engine as a crash does, and starts it again, with what it has stored. */
  restart?(): Promise<void>;
  /** Makes the engine lose everything. */
  forget?(): Promise<void>;
  /** Makes a broker for at most `maxTopics` topics, on an engine without other topics. */
  openLimited?(maxTopics: number): Promise<Broker>;
}

/** One thing that a broker has to do. */
export interface BrokerCase {
  /** A sentence, to be read behind the name of the broker. */
  readonly name: string;
  /** Rejects with an error that says what was wrong. */
  readonly run: () => Promise<void>;
}

/**
 * What every `Broker` has to do, for any test runner. Each case uses topics of its own; those for
 * which the harness lacks a method are left out.
 *
 * ```ts
 * for (const { name, run } of brokerSuite({ open: () => MyBroker.open(url) })) it(name, run);
 * ```
 */
export function brokerSuite(harness: BrokerHarness): readonly BrokerCase[] {
  return [...BROKER_CASES, ...RECOVERY_CASES]
    .filter(({ needs }) => needs === undefined || harness[needs] !== undefined)
    .map(({ name, run }) => ({ name, run: () => runWith(harness, run) }));
}

/** What a case is given. */
export interface BrokerLab {
  readonly harness: Required<BrokerHarness>;
  /** Opens a broker that is closed after the case. */
  open(): Promise<Broker>;
  /** Opens a broker for at most `maxTopics` topics, which is closed after the case. */
  openLimited(maxTopics: number): Promise<Broker>;
  /** The name of a topic that nobody else uses. */
  topic(suffix?: string): string;
  /** Something to be done after the case, the last one first. */
  defer(cleanUp: () => unknown): void;
}

/** A case, before it has its harness. */
export interface BrokerCaseDefinition {
  readonly name: string;
  readonly needs?: "interrupt" | "restart" | "forget" | "openLimited";
  readonly run: (lab: BrokerLab) => Promise<void>;
}

async function runWith(harness: BrokerHarness, run: BrokerCaseDefinition["run"]): Promise<void> {
  const cleanUps: (() => unknown)[] = [];
  const prefix = crypto.randomUUID();
  const lab: BrokerLab = {
    // Only cases whose need is met are run.
    harness: harness as Required<BrokerHarness>,
    async open() {
      const broker = await harness.open();
      cleanUps.push(() => broker.close());
      return broker;
    },
    async openLimited(maxTopics) {
      const broker = await harness.openLimited!(maxTopics);
      cleanUps.push(() => broker.close());
      return broker;
    },
    topic: (suffix = "") => `${prefix}${suffix}`,
    defer: (cleanUp) => cleanUps.push(cleanUp),
  };
  try {
    await run(lab);
  } finally {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  }
}
