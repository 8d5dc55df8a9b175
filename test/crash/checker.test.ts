import { describe, expect, it } from "vitest";
import { countLosses, findViolations } from "./checker.ts";
import type { ClientEvent, RunLog } from "./log.ts";

/** A log that can be damaged. */
interface Draft {
  clients: { name: string; topic: string; events: ClientEvent[] }[];
  acknowledgements: { topic: string; id: string; position: string }[];
}

const publication = (offset: number, id = `p${offset}`): ClientEvent => ({
  type: "publication",
  position: `e:${offset}`,
  id,
});

/** Three clients: one is always there, one comes back twice, one is told of a loss. */
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
  it("finds nothing in a run in which nothing was wrong", () => {
    const run: RunLog = goodRun();
    expect(findViolations(run)).toEqual([]);
    expect(countLosses(run)).toBe(1);
  });

  it.each<[string, (draft: Draft) => void]>([
    ["a publication that one client has not got", (run) => eventsOf(run, 0).splice(3, 1)],
    ["the last one missing for one client", (run) => eventsOf(run, 0).pop()],
    ["a publication that came twice", (run) => eventsOf(run, 0).splice(3, 0, publication(2))],
    [
      "two in the wrong order",
      (run) => eventsOf(run, 0).splice(2, 2, publication(3), publication(2)),
    ],
    [
      "another publication at the same place",
      (run) => eventsOf(run, 0).splice(3, 1, publication(3, "x")),
    ],
    [
      "an id at two places",
      (run) => {
        for (const { events } of run.clients) {
          events.push(publication(7, "p2"));
        }
      },
    ],
    ["something missing at the seam", (run) => eventsOf(run, 1).splice(5, 1)],
    ["something twice at the seam", (run) => eventsOf(run, 1).splice(5, 0, publication(2))],
    [
      "a recovery from another place",
      (run) =>
        eventsOf(run, 1).splice(3, 1, {
          type: "subscribed",
          since: "e:2",
          position: "e:3",
          recovered: true,
        }),
    ],
    [
      "a client that forgot where it was",
      (run) =>
        eventsOf(run, 1).splice(3, 1, {
          type: "subscribed",
          since: "e:1",
          position: "e:1",
          recovered: true,
        }),
    ],
    ["a loss that was not told", (run) => eventsOf(run, 2).splice(2, 1)],
    [
      "another epoch that was not told",
      (run) => eventsOf(run, 0).push({ ...publication(7), position: "f:7" }),
    ],
    [
      "an acknowledged publication that nobody got",
      (run) => run.acknowledgements.push({ topic: "t", id: "gone", position: "e:7" }),
    ],
    [
      "an acknowledgement of another place",
      (run) => run.acknowledgements.push({ topic: "t", id: "p2", position: "e:3" }),
    ],
    ["a client that got nothing at all", (run) => eventsOf(run, 0).splice(0)],
  ])("finds %s", (_, damage) => {
    const run = goodRun();
    damage(run);
    expect(findViolations(run)).not.toEqual([]);
  });
});
