// Publishes a price every 250 ms: node dist/publisher.js. Run only one, because it numbers the prices.
import { setTimeout as delay } from "node:timers/promises";
import { BrokerError, type Topic } from "tideway/topics";
import { openPrices, type Price } from "./prices.ts";
import { onSignal, REDIS_URL, run } from "./settings.ts";

const INTERVAL_MS = 250;
const START_CENTS = { Barley: 18_450, Coffee: 31_200, Tea: 27_890, Wheat: 22_310 };

await run(async () => {
  const { topic, close } = await openPrices(REDIS_URL);
  const stopping = new AbortController();
  onSignal(() => stopping.abort());
  console.log(`Prices go to redis://${new URL(REDIS_URL).host} (process ${process.pid})`);

  const cents = new Map(Object.entries(START_CENTS));
  const symbols = [...cents.keys()];
  for (let number = (await lastNumber(topic)) + 1; !stopping.signal.aborted; number++) {
    const symbol = symbols[number % symbols.length];
    const change = Math.round((Math.random() - 0.5) * 200);
    cents.set(symbol, Math.max(1, cents.get(symbol)! + change));
    const price: Price = { number, symbol, cents: cents.get(symbol)! };
    await publish(topic, price, stopping.signal);
    await delay(INTERVAL_MS, undefined, { signal: stopping.signal }).catch(() => {});
  }
  await close();
});

/** Publishes a price, and tries again until Redis has stored it. Redis stores it once, because it has an id. */
async function publish(topic: Topic, price: Price, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await topic.publish(JSON.stringify(price), { id: String(price.number) });
      return;
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      console.error(error.message);
    }
  }
}

/** The number of the latest price in the history, or 0. */
async function lastNumber(topic: Topic): Promise<number> {
  const { publications } = await topic.history({ limit: 1 });
  const last = publications.at(-1);
  return last === undefined ? 0 : (JSON.parse(String(last.data)) as Price).number;
}
