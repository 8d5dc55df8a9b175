import { readPosition } from "tideway/topics";
import type { ClientLog, PublisherLog, RunLog } from "./log.ts";

/** The kind of a violation of the guarantees. */
export type ViolationKind = "lost" | "doubled" | "out of order" | "not caught up" | "other";

/** One violation of the guarantees. */
export interface Violation {
  readonly kind: ViolationKind;
  readonly text: string;
}

/** Reports a violation. */
type Report = (kind: ViolationKind, text: string) => void;

/** Where the publications are. A place is a topic and a position. */
interface Order {
  /** Ids by place: acknowledged publications first, and then what clients received elsewhere. */
  readonly ids: Map<string, string>;
  readonly places: Map<string, string>;
  /** Ids by place, as clients received them. */
  readonly delivered: Map<string, string>;
}

/**
 * The violations of a run. Every topic must have one order for all clients. Acknowledged publications must
 * not be lost, duplicated, or in another order than their publisher's. Every interruption must end with a
 * recovery or a notice, and in the end all clients must have the last publication. A client that ends before
 * it has not caught up: what it misses may still arrive, so it does not count as lost.
 */
export function findViolations({ clients, publishers, ends }: RunLog): readonly Violation[] {
  const violations: Violation[] = [];
  const report: Report = (kind, text) => violations.push({ kind, text });
  const order = readAcknowledgements(publishers);
  const received = latestEnds(clients);
  const latest = new Map([...received, ...(ends ?? [])]);
  for (const client of clients) {
    checkContinuity(client, report);
    collectOrder(client, order, report);
  }
  for (const publisher of publishers) {
    const { topic } = publisher;
    checkOutcomes(publisher, order, report, (position) => {
      return isBefore(received.get(topic), position) && !isBefore(latest.get(topic), position);
    });
    if (publisher.isOrdered) checkPublisherOrder(publisher, order, report);
  }
  checkOrigins(publishers, order, report);
  checkEnds(clients, latest, report);
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
function checkContinuity({ name, topic, events }: ClientLog, report: Report): void {
  const received = new Set<string>();
  let last: string | undefined;
  for (const event of events) {
    const { position } = event;
    if (event.type === "publication") {
      const { id } = event;
      const kind = stepKind(last, position);
      if (kind !== undefined) report(kind, `${name}: ${topic} ${position} came after ${last}`);
      if (received.has(id)) report("doubled", `${name}: ${id} came a second time at ${position}`);
      received.add(id);
    }
    if (event.type === "subscribed") {
      if (event.since !== last) report("other", `${name}: asked for ${event.since}, at ${last}`);
      if (event.recovered && position !== last) {
        report("lost", `${name}: recovered from ${position}, though it was at ${last}`);
      }
    }
    if (event.type === "failed") report("other", `${name}: ${topic} ended with ${event.code}`);
    last = position;
  }
}

/** The kind of the violation if `position` comes after `last`. Undefined if it is the next position. */
function stepKind(last: string | undefined, position: string): ViolationKind | undefined {
  const [before, now] = [readPosition(last), readPosition(position)];
  if (now === undefined || before?.epoch !== now.epoch) return "lost";
  const step = now.offset - before.offset;
  if (step === 1) return undefined;
  if (step === 0) return "doubled";
  return step > 1 ? "lost" : "out of order";
}

function readAcknowledgements(publishers: readonly PublisherLog[]): Order {
  const order: Order = { ids: new Map(), places: new Map(), delivered: new Map() };
  for (const { topic, publishes } of publishers) {
    for (const { id, outcome } of publishes) {
      if (outcome?.type === "stored") addPlace(order, `${topic} ${outcome.position}`, id);
    }
  }
  return order;
}

/** Keeps what is known already. */
function addPlace({ ids, places }: Order, place: string, id: string): void {
  if (!ids.has(place)) ids.set(place, id);
  if (!places.has(id)) places.set(id, place);
}

/** All clients have the same publication at the same position, and each publication at one position. */
function collectOrder({ name, topic, events }: ClientLog, order: Order, report: Report): void {
  for (const event of events) {
    if (event.type !== "publication") continue;
    const { id, position } = event;
    const place = `${topic} ${position}`;
    addPlace(order, place, id);
    order.delivered.set(place, order.delivered.get(place) ?? id);
    const [knownId, knownPlace] = [order.ids.get(place), order.places.get(id)!];
    if (knownPlace !== place) {
      const kind = knownId === id ? "doubled" : misplacedKind(place, knownPlace);
      report(kind, `${name}: ${id} is at ${place}, elsewhere at ${knownPlace}`);
    } else if (knownId !== id) {
      report("other", `${name}: ${id} is at ${place}, where others have ${knownId}`);
    }
  }
}

/** The kind of the violation if a client got a publication at `place`, and others at `knownPlace`. */
function misplacedKind(place: string, knownPlace: string): ViolationKind {
  const [topic, position] = place.split(" ");
  const [knownTopic, knownPosition] = knownPlace.split(" ");
  if (topic !== knownTopic) return "other";
  return isBefore(position, knownPosition) ? "lost" : "out of order";
}

/**
 * Each publish settled. A stored publication is at its position. A rejected publication says whether it is stored.
 *
 * @param isOnItsWay whether the broker has reached a position, and no client has
 */
function checkOutcomes(
  { topic, publishes }: PublisherLog,
  order: Order,
  report: Report,
  isOnItsWay: (position: string) => boolean,
): void {
  for (const { id, outcome } of publishes) {
    if (outcome === undefined) report("other", `${id} was not settled`);
    else if (outcome.type === "stored") {
      const stored = order.delivered.get(`${topic} ${outcome.position}`);
      if (stored === id || (stored === undefined && isOnItsWay(outcome.position))) continue;
      const instead = stored === undefined ? "nothing was delivered" : `${stored} was delivered`;
      report("lost", `${id} is acknowledged at ${topic} ${outcome.position}, where ${instead}`);
    } else if (outcome.mayBeStored === undefined) {
      report("other", `${id} failed with ${outcome.code}, which does not say whether it is stored`);
    } else if (!outcome.mayBeStored && order.places.has(id)) {
      const place = order.places.get(id)!;
      report("other", `${id} failed with ${outcome.code} as not stored, but is at ${place}`);
    }
  }
}

/**
 * Acknowledged publications have the order of the calls. A rejected publication follows the acknowledged
 * publications before its call, and may appear behind later ones.
 */
function checkPublisherOrder(
  { topic, publishes }: PublisherLog,
  { places }: Order,
  report: Report,
): void {
  let latest: { readonly id: string; readonly position: string } | undefined;
  for (const { id, outcome } of publishes) {
    const isStored = outcome?.type === "stored";
    const position = isStored ? outcome.position : places.get(id)?.slice(topic.length + 1);
    if (position === undefined) continue;
    if (latest !== undefined && isBefore(position, latest.position)) {
      report(
        "out of order",
        `${topic}: ${id} is at ${position}, before ${latest.id} at ${latest.position}`,
      );
    } else if (isStored) latest = { id, position };
  }
}

function isBefore(position: string | undefined, other: string | undefined): boolean {
  return distance(position, other) > 0;
}

/** The number of publications after `position` up to `other`. NaN without positions of one epoch. */
function distance(position: string | undefined, other: string | undefined): number {
  const [a, b] = [readPosition(position), readPosition(other)];
  return a !== undefined && a.epoch === b?.epoch ? b.offset - a.offset : NaN;
}

/** Each delivered publication was published to its topic. */
function checkOrigins(
  publishers: readonly PublisherLog[],
  { places }: Order,
  report: Report,
): void {
  const topics = new Map<string, string>();
  for (const { topic, publishes } of publishers)
    for (const { id } of publishes) topics.set(id, topic);
  for (const [id, place] of places) {
    if (!place.startsWith(`${topics.get(id)} `))
      report("other", `${id} at ${place} was not published there`);
  }
}

/** The latest position that any client has reached, by topic. */
function latestEnds(clients: readonly ClientLog[]): Map<string, string> {
  const ends = new Map<string, string>();
  for (const { topic, events } of clients) {
    const end = events.at(-1)?.position;
    const known = ends.get(topic);
    if (end !== undefined && (known === undefined || isBefore(known, end))) ends.set(topic, end);
  }
  return ends;
}

/** Each client has the last publication of its topic. */
function checkEnds(
  clients: readonly ClientLog[],
  latest: ReadonlyMap<string, string>,
  report: Report,
): void {
  for (const { name, topic, events } of clients) {
    const end = events.at(-1)?.position;
    const last = latest.get(topic);
    const behind = distance(end, last);
    if (behind === 0) continue;
    if (behind > 0) {
      report("not caught up", `${name}: ${topic} ends at ${end}, ${behind} before ${last}`);
    } else report("lost", `${name}: ${topic} ends at ${end}, elsewhere at ${last}`);
  }
}
