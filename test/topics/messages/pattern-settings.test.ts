import { MemoryBroker, type Retention, Topics, type TopicsOptions } from "tideway/topics";
import { describe, expect, it } from "vitest";
import { openTopics, RecordingSocket } from "../support.ts";

/** The `historySize` with which a topic publishes. */
async function sizeOf(options: TopicsOptions, name: string): Promise<number> {
  const broker = new MemoryBroker();
  const sizes: number[] = [];
  const publish = broker.publish.bind(broker);
  broker.publish = (topic, draft, retention: Retention) => {
    sizes.push(retention.size);
    return publish(topic, draft, retention);
  };
  await openTopics({ ...options, broker })
    .topic(name)
    .publish("");
  return sizes[0];
}

describe("the option patterns of Topics", () => {
  const options: TopicsOptions = {
    historySize: 1,
    patterns: {
      "rooms/:room": { historySize: 2 },
      "rooms/lobby": { historySize: 3 },
      "rooms/:room/notes/:note": { historySize: 4 },
      "rooms/:room/votes/:vote": { historySize: 5 },
      news: { historySize: 6 },
    },
  };

  it.each([
    ["rooms/tides", 2],
    ["rooms/a%20b", 2],
    ["rooms/lobby", 3],
    ["rooms/tides/notes/1", 4],
    ["rooms/tides/votes/1", 5],
    ["news", 6],
    ["rooms", 1],
    ["rooms/", 1],
    ["rooms/a b", 1],
    ["rooms/a/b", 1],
    ["rooms/tides/other/1", 1],
    ["__proto__", 1],
  ])("apply to the topic %j", async (name, size) => {
    expect(await sizeOf(options, name)).toBe(size);
  });

  it("keep the options for all topics that they do not name, and optionsOf overrides them", async () => {
    const withOptionsOf: TopicsOptions = {
      ...options,
      optionsOf: (name) => (name === "rooms/tides" ? { historySize: 7 } : undefined),
    };
    expect(await sizeOf(withOptionsOf, "rooms/tides")).toBe(7);
    expect(await sizeOf(withOptionsOf, "rooms/other")).toBe(2);
    const topics = openTopics({ presence: true, patterns: { a: { historySize: 5 } } });
    await topics.topic("a").enter(new RecordingSocket(), { id: "ann" });
    expect(await topics.topic("a").members()).toEqual([{ id: "ann" }]);
  });

  it.each<[string, string, unknown]>([
    ["two patterns that can match one name", "INVALID_OPTION", { "a/:b": {}, ":a/b": {} }],
    ["the same pattern with another param", "INVALID_OPTION", { "a/:b": {}, "a/:c": {} }],
    ["a pattern that is not valid", "INVALID_TOPIC_PATTERN", { "a//b": {} }],
    ["an unknown option", "INVALID_OPTION", { "a/:b": { historysize: 5 } }],
    ["an option with an invalid value", "INVALID_OPTION", { "a/:b": { historySize: 0 } }],
    ["options that are not an object", "INVALID_OPTION", { "a/:b": 5 }],
    ["an array", "INVALID_OPTION", []],
    ["null", "INVALID_OPTION", null],
  ])("are refused for %s", (_, code, patterns) => {
    expect(() => new Topics({ patterns: patterns as never })).toThrow(
      expect.objectContaining({ name: "UsageError", code }),
    );
  });
});
