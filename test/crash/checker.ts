import { readPosition } from "tideway/topics";
import type { ClientLog, RunLog } from "./log.ts";

/** The id of each publication by topic and position. */
type Order = Map<string, string>;

/**
 * The violations of a run. Every topic must have one order for all clients. Acknowledged
 * publications must not be lost or duplicated. Every interruption must end with a recovery or a
 * notice, and in the end all clients must have the last publication.
 */
export function findViolations({ clients, acknowledgements }: RunLog): readonly string[] {
  const violations: string[] = [];
  const order: Order = new Map();
  for (const client of clients) {
    checkContinuity(client, violations);
    collectOrder(client, order, violations);
  }
  for (const { topic, id, position } of acknowledgements) {
    const stored = order.get(`${topic} ${position}`);
    if (stored === id) continue;
    const instead = stored === undefined ? "nothing was delivered" : `${stored} was delivered`;
    violations.push(`${topic}: ${id} is acknowledged at ${position}, where ${instead}`);
  }
  checkUnique(order, violations);
  checkEnds(clients, violations);
  return violations;
}

/** The number of notices of a loss. */
export function countLosses({ clients }: RunLog): number {
  return clients
    .flatMap(({ events }) => events)
    .filter((event) => event.type === "lost" || isGap(event)).length;
}

function isGap(event: ClientLog["events"][number]): boolean {
  return event.type === "subscribed" && event.since !== undefined && !event.recovered;
}

/** Each publication follows the previous publication, or the position of the notice in between. */
function checkContinuity({ name, events }: ClientLog, violations: string[]): void {
  let last: string | undefined;
  for (const event of events) {
    const { position } = event;
    if (event.type === "publication" && !isNext(last, position)) {
      violations.push(`${name}: ${position} came after ${last}`);
    }
    if (event.type === "subscribed") {
      if (event.since !== last) violations.push(`${name}: asked for ${event.since}, at ${last}`);
      if (event.recovered && position !== last) {
        violations.push(`${name}: recovered from ${position}, though it was at ${last}`);
      }
    }
    last = position;
  }
}

function isNext(last: string | undefined, position: string): boolean {
  const [before, now] = [readPosition(last), readPosition(position)];
  return now !== undefined && before?.epoch === now.epoch && now.offset === before.offset + 1;
}

/** All clients have the same publication at the same position. */
function collectOrder({ name, topic, events }: ClientLog, order: Order, found: string[]): void {
  for (const event of events) {
    if (event.type !== "publication") continue;
    const place = `${topic} ${event.position}`;
    const known = order.get(place);
    if (known === undefined) order.set(place, event.id);
    else if (known !== event.id) {
      found.push(`${name}: ${event.id} is at ${place}, where others have ${known}`);
    }
  }
}

function checkUnique(order: Order, violations: string[]): void {
  const places = new Map<string, string>();
  for (const [place, id] of order) {
    const [topic] = place.split(" ");
    const known = places.get(`${topic} ${id}`);
    if (known !== undefined) violations.push(`${id} is at ${known} and at ${place}`);
    places.set(`${topic} ${id}`, place);
  }
}

function checkEnds(clients: readonly ClientLog[], violations: string[]): void {
  const ends = new Map<string, string | undefined>();
  for (const { name, topic, events } of clients) {
    const end = events.at(-1)?.position;
    if (!ends.has(topic)) ends.set(topic, end);
    if (end === ends.get(topic) && end !== undefined) continue;
    violations.push(`${name}: ends at ${end}, others on ${topic} at ${ends.get(topic)}`);
  }
}
