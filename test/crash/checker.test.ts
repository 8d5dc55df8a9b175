import { describe, expect, it } from "vitest";
import { countLosses, findViolations, type ViolationKind } from "./checker.ts";
import type { ClientEvent, PublishLog, PublishOutcome, RunLog } from "./log.ts";
import { reportRun } from "./report.ts";

/** A log that a test can damage. */
interface Draft {
  clients: { name: string; topic: string; events: ClientEvent[] }[];
  publishers: { name: string; topic: string; isOrdered: boolean; publishes: PublishLog[] }[];
  connections: number;
  ends?: [topic: string, position: string][];
}

const publication = (offset: number, id = `p${offset}`): ClientEvent => ({
  type: "publication",
  position: `e:${offset}`,
  id,
});

const stored = (offset: number): PublishOutcome => ({ type: "stored", position: `e:${offset}` });

const failed = (mayBeStored: boolean | undefined): PublishOutcome => ({
  type: "failed",
  code: "UNAVAILABLE",
  mayBeStored,
});

/**
 * Three subscribers: one reads in one loop, one continues twice, one receives a notice of a loss. Two publishers:
 * `odd` publishes p1, p3 and p5, and fails to publish `gone`; `even` publishes p2, p4, p6.
 */
function goodRun(): Draft {
  const start: ClientEvent = {
    type: "subscribed",
    since: undefined,
    position: "e:0",
    recovered: false,
  };
  const back = (offset: number): ClientEvent => ({
    type: "subscribed",
    since: `e:${offset}`,
    position: `e:${offset}`,
    recovered: true,
  });
  const all = [1, 2, 3, 4, 5, 6].map((offset) => publication(offset));
  const publishes = (...offsets: number[]): PublishLog[] =>
    offsets.map((offset) => ({ id: `p${offset}`, outcome: stored(offset) }));
  return {
    clients: [
      { name: "steady", topic: "t", events: [start, ...all] },
      {
        name: "back",
        topic: "t",
        events: [start, ...all.slice(0, 2), back(2), back(2), ...all.slice(2)],
      },
      {
        name: "told",
        topic: "t",
        events: [start, all[0], { type: "lost", position: "e:4" }, ...all.slice(4)],
      },
    ],
    publishers: [
      {
        name: "odd",
        topic: "t",
        isOrdered: true,
        publishes: [{ id: "gone", outcome: failed(false) }, ...publishes(1, 3, 5)],
      },
      { name: "even", topic: "t", isOrdered: true, publishes: publishes(2, 4, 6) },
    ],
    connections: 5,
  };
}

const eventsOf = (draft: Draft, index: number): ClientEvent[] => draft.clients[index].events;

const oddOf = (draft: Draft): PublishLog[] => draft.publishers[0].publishes;

/** Adds a publication for all subscribers. */
function deliverToAll(draft: Draft, event: ClientEvent): void {
  for (const { events } of draft.clients) events.push(event);
}

type Damage = [what: string, kind: ViolationKind, damage: (draft: Draft) => void];

const SUBSCRIBER_DAMAGE: Damage[] = [
  ["a publication that one client did not receive", "lost", (run) => eventsOf(run, 0).splice(3, 1)],
  [
    "a missing publication whose position another one has",
    "lost",
    (run) => eventsOf(run, 0).splice(3, 4, publication(3, "p4"), publication(4, "p5")),
  ],
  ["a client without the last publication", "not caught up", (run) => eventsOf(run, 0).pop()],
  [
    "a client that continues and does not get further",
    "not caught up",
    (run) => eventsOf(run, 1).splice(5),
  ],
  [
    "clients that all miss what the broker has",
    "not caught up",
    (run) => (run.ends = [["t", "e:7"]]),
  ],
  ["a client in another epoch than the broker", "lost", (run) => (run.ends = [["t", "f:6"]])],
  [
    "a publication received twice",
    "doubled",
    (run) => eventsOf(run, 0).splice(3, 0, publication(2)),
  ],
  [
    "a publication received twice, at two positions",
    "doubled",
    (run) => eventsOf(run, 0).splice(3, 1, publication(3, "p2")),
  ],
  [
    "two publications in the wrong order",
    "out of order",
    (run) => eventsOf(run, 0).splice(2, 2, publication(3), publication(2)),
  ],
  [
    "two publications in the wrong order, at positions in order",
    "out of order",
    (run) => eventsOf(run, 0).splice(2, 2, publication(2, "p3"), publication(3, "p2")),
  ],
  [
    "another publication at the same position",
    "other",
    (run) => eventsOf(run, 0).splice(3, 1, publication(3, "x")),
  ],
  ["a publication missing at a recovery", "lost", (run) => eventsOf(run, 1).splice(5, 1)],
  ["a duplicate at a recovery", "doubled", (run) => eventsOf(run, 1).splice(5, 0, publication(2))],
  [
    "a recovery from another position",
    "lost",
    (run) =>
      eventsOf(run, 1).splice(3, 1, {
        type: "subscribed",
        since: "e:2",
        position: "e:3",
        recovered: true,
      }),
  ],
  [
    "a client that lost its position",
    "other",
    (run) =>
      eventsOf(run, 1).splice(3, 1, {
        type: "subscribed",
        since: "e:1",
        position: "e:1",
        recovered: true,
      }),
  ],
  ["a loss without a notice", "lost", (run) => eventsOf(run, 2).splice(2, 1)],
  [
    "another epoch without a notice",
    "lost",
    (run) => eventsOf(run, 0).push({ ...publication(7), position: "f:7" }),
  ],
  ["a client that received nothing", "lost", (run) => eventsOf(run, 0).splice(0)],
  [
    "a subscription that failed",
    "other",
    (run) => eventsOf(run, 0).push({ type: "failed", position: "e:6", code: "INTERNAL" }),
  ],
  ["a publication that no client published", "other", (run) => deliverToAll(run, publication(7))],
];

const PUBLISHER_DAMAGE: Damage[] = [
  [
    "an acknowledged publication that no client received",
    "lost",
    (run) => oddOf(run).push({ id: "p7", outcome: stored(7) }),
  ],
  [
    "an acknowledged publication after the last one of the broker",
    "lost",
    (run) => {
      run.ends = [["t", "e:6"]];
      oddOf(run).push({ id: "p7", outcome: stored(7) });
    },
  ],
  [
    "an acknowledgement with another position",
    "lost",
    (run) => (oddOf(run)[3] = { id: "p5", outcome: stored(6) }),
  ],
  [
    "an acknowledgement without a position",
    "lost",
    (run) => (oddOf(run)[3] = { id: "p5", outcome: { type: "stored", position: "none" } }),
  ],
  [
    "an acknowledged publication at two positions",
    "doubled",
    (run) => deliverToAll(run, publication(7, "p2")),
  ],
  [
    "a rejected publication at two positions",
    "doubled",
    (run) => {
      oddOf(run)[0] = { id: "gone", outcome: failed(true) };
      deliverToAll(run, publication(7, "gone"));
      deliverToAll(run, publication(8, "gone"));
    },
  ],
  [
    "acknowledged publications in another order than the calls",
    "out of order",
    (run) => oddOf(run).reverse(),
  ],
  [
    "a rejected publication before an acknowledged one that was published earlier",
    "out of order",
    (run) => {
      const [gone, one, three, five] = oddOf(run);
      oddOf(run).splice(0, 4, gone, one, five, { ...three, outcome: failed(true) });
    },
  ],
  [
    "a publication that was rejected as not stored, and received",
    "other",
    (run) => deliverToAll(run, publication(7, "gone")),
  ],
  [
    "a rejection that does not say whether the publication is stored",
    "other",
    (run) => (oddOf(run)[0] = { id: "gone", outcome: failed(undefined) }),
  ],
  [
    "a publish that did not settle",
    "other",
    (run) => (oddOf(run)[0] = { id: "gone", outcome: undefined }),
  ],
  [
    "a publication in another topic",
    "other",
    (run) => {
      oddOf(run)[0] = { id: "gone", outcome: failed(true) };
      const [start] = eventsOf(run, 0);
      run.clients.push({ name: "other", topic: "u", events: [start, publication(1, "gone")] });
    },
  ],
];

describe("the checker of the crash tests", () => {
  it("finds nothing in a correct run", () => {
    const run: RunLog = goodRun();
    expect(findViolations(run)).toEqual([]);
    expect(countLosses(run)).toBe(1);
  });

  it("accepts a rejected publication that may be stored, wherever it is behind the earlier ones", () => {
    const run = goodRun();
    oddOf(run)[0] = { id: "gone", outcome: failed(true) };
    expect(findViolations(run)).toEqual([]);
    deliverToAll(run, publication(7, "gone"));
    expect(findViolations(run)).toEqual([]);
  });

  it("accepts publications of one client in any order if it did not wait for their order", () => {
    const run = goodRun();
    run.publishers[0].isOrdered = false;
    oddOf(run).reverse();
    expect(findViolations(run)).toEqual([]);
  });

  it("says which clients have not caught up, and how far they are behind, and counts nothing as lost", () => {
    const run = goodRun();
    run.ends = [["t", "e:8"]];
    oddOf(run).push({ id: "p7", outcome: stored(7) }, { id: "p8", outcome: stored(8) });
    eventsOf(run, 0).push(publication(7), publication(8));
    eventsOf(run, 1).splice(5);
    expect(findViolations(run)).toEqual([
      { kind: "not caught up", text: "back: t ends at e:2, 6 before e:8" },
      { kind: "not caught up", text: "told: t ends at e:6, 2 before e:8" },
    ]);
    expect(reportRun(run)).toMatchObject({ isCorrect: false });
    expect(reportRun(run).lines.at(-1)).toBe(
      "violations: lost 0, doubled 0, out of order 0, not caught up 2, other 0",
    );
  });

  it("does not count a publication as lost that no client has reached yet", () => {
    const run = goodRun();
    run.ends = [["t", "e:7"]];
    oddOf(run).push({ id: "p7", outcome: stored(7) });
    expect(new Set(findViolations(run).map(({ kind }) => kind))).toEqual(
      new Set(["not caught up"]),
    );
  });

  it.each([...SUBSCRIBER_DAMAGE, ...PUBLISHER_DAMAGE])("finds %s: %s", (_, kind, damage) => {
    const run = goodRun();
    damage(run);
    expect(findViolations(run).map((violation) => violation.kind)).toContain(kind);
  });
});
