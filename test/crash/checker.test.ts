import { describe, expect, it } from "vitest";
import { countLosses, findViolations } from "./checker.ts";
import type { ClientEvent, RunLog } from "./log.ts";

/** A log that a test can damage. */
interface Draft {
  clients: { name: string; topic: string; events: ClientEvent[] }[];
  acknowledgements: { topic: string; id: string; position: string }[];
}

const publication = (offset: number, id = `p${offset}`): ClientEvent => ({
  type: "publication",
  position: `e:${offset}`,
  id,
});

/** Three clients: one stays connected, one reconnects twice, one receives a notice of a loss. */
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
    acknowledgements: [1, 2, 3, 4, 5, 6].map((offset) => ({
      topic: "t",
      id: `p${offset}`,
      position: `e:${offset}`,
    })),
  };
}

const eventsOf = (draft: Draft, index: number): ClientEvent[] => draft.clients[index].events;

describe("the checker of the crash tests", () => {
  it("finds nothing in a correct run", () => {
    const run: RunLog = goodRun();
    expect(findViolations(run)).toEqual([]);
    expect(countLosses(run)).toBe(1);
  });

  it.each<[string, (draft: Draft) => void]>([
    ["a publication that one client did not receive", (run) => eventsOf(run, 0).splice(3, 1)],
    ["a missing last publication", (run) => eventsOf(run, 0).pop()],
    ["a publication received twice", (run) => eventsOf(run, 0).splice(3, 0, publication(2))],
    [
      "two publications in the wrong order",
      (run) => eventsOf(run, 0).splice(2, 2, publication(3), publication(2)),
    ],
    [
      "another publication at the same position",
      (run) => eventsOf(run, 0).splice(3, 1, publication(3, "x")),
    ],
    [
      "an id at two positions",
      (run) => {
        for (const { events } of run.clients) {
          events.push(publication(7, "p2"));
        }
      },
    ],
    ["a publication missing at a recovery", (run) => eventsOf(run, 1).splice(5, 1)],
    ["a duplicate at a recovery", (run) => eventsOf(run, 1).splice(5, 0, publication(2))],
    [
      "a recovery from another position",
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
      (run) =>
        eventsOf(run, 1).splice(3, 1, {
          type: "subscribed",
          since: "e:1",
          position: "e:1",
          recovered: true,
        }),
    ],
    ["a loss without a notice", (run) => eventsOf(run, 2).splice(2, 1)],
    [
      "another epoch without a notice",
      (run) => eventsOf(run, 0).push({ ...publication(7), position: "f:7" }),
    ],
    [
      "an acknowledged publication that no client received",
      (run) => run.acknowledgements.push({ topic: "t", id: "gone", position: "e:7" }),
    ],
    [
      "an acknowledgement with another position",
      (run) => run.acknowledgements.push({ topic: "t", id: "p2", position: "e:3" }),
    ],
    ["a client that received nothing", (run) => eventsOf(run, 0).splice(0)],
  ])("finds %s", (_, damage) => {
    const run = goodRun();
    damage(run);
    expect(findViolations(run)).not.toEqual([]);
  });
});
