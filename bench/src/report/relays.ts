import type { Relay, RelayFigures } from "../relays/relays.ts";
import type { Store } from "../relays/stores.ts";
import type { Table } from "./table.ts";

/** The table of the relays, with a row for each engine. */
export function relayTable(relays: readonly Relay[]): Table {
  return [
    ["topics through", "deliveries/s", "publications/s", "latency p50", "p99"],
    ...relays.map(({ engine, serverCount, figures, reason }) => [
      `${engine}, ${serverCount} server${serverCount === 1 ? "" : "s"}`,
      ...(figures === undefined ? [`left out: ${reason}`, "-", "-", "-"] : cellsOf(figures)),
    ]),
  ];
}

/** The table of the publications that engines store, with a row for each load. */
export function storeTable(stores: readonly Store[]): Table {
  return [
    ["publish on one topic", "publications/s"],
    ...stores.map(({ name, publicationsPerSecond, reason }) => [
      name,
      publicationsPerSecond === undefined ? `left out: ${reason}` : grouped(publicationsPerSecond),
    ]),
  ];
}

function cellsOf({
  deliveriesPerSecond,
  publicationsPerSecond,
  latencyMs,
}: RelayFigures): string[] {
  return [
    grouped(deliveriesPerSecond),
    grouped(publicationsPerSecond),
    `${latencyMs.p50.toFixed(2)} ms`,
    `${latencyMs.p99.toFixed(2)} ms`,
  ];
}

function grouped(perSecond: number): string {
  return Math.round(perSecond).toLocaleString("en");
}
