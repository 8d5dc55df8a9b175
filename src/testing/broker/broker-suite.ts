import { UsageError } from "../../errors/index.ts";
import type {
  BrokerCase,
  BrokerCaseContext,
  BrokerCaseDefinition,
  BrokerHarness,
} from "./broker-case.ts";
import { HISTORY_CASES } from "./history-cases.ts";
import { LIFECYCLE_CASES } from "./lifecycle-cases.ts";
import { PRESENCE_CASES } from "./presence-cases.ts";
import { PUBLISH_CASES } from "./publish-cases.ts";
import { RECOVERY_CASES } from "./recovery-cases.ts";
import { SEND_CASES } from "./send-cases.ts";
import { SUBSCRIBE_CASES } from "./subscribe-cases.ts";

const CASES: readonly BrokerCaseDefinition[] = [
  ...PUBLISH_CASES,
  ...SUBSCRIBE_CASES,
  ...HISTORY_CASES,
  ...SEND_CASES,
  ...PRESENCE_CASES,
  ...LIFECYCLE_CASES,
  ...RECOVERY_CASES,
];

/**
 * Creates the test cases that every `Broker` must pass, for any test runner. Each case uses separate topics.
 * Cases that need a missing method of the harness are left out.
 *
 * @example
 * ```ts
 * for (const { name, run } of brokerSuite({ open: () => MyBroker.open(url) })) it(name, run);
 * ```
 *
 * @throws UsageError `INVALID_OPTION` if the harness has no method `open`
 */
export function brokerSuite(harness: BrokerHarness): readonly BrokerCase[] {
  if (typeof (harness as BrokerHarness | undefined | null)?.open !== "function") {
    throw new UsageError(
      "INVALID_OPTION",
      "brokerSuite: the harness has no method open; pass an object such as { open: () => MyBroker.open(url) }",
    );
  }
  return CASES.filter(({ needs }) => needs === undefined || harness[needs] !== undefined).map(
    ({ name, run }) => ({ name, run: () => runCase(harness, run) }),
  );
}

async function runCase(harness: BrokerHarness, run: BrokerCaseDefinition["run"]): Promise<void> {
  const cleanUps: (() => unknown)[] = [];
  const prefix = crypto.randomUUID();
  const context: BrokerCaseContext = {
    // A case runs only if the harness has the method that it needs.
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
    await run(context);
  } finally {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  }
}
