import { MemoryBroker, type Position, type Topic } from "tideway/topics";
import { describe, expect, it } from "vitest";
import { openTopics } from "./support.ts";

/** A topic that keeps the last four of the publications "1" to "6", which have the offsets 1 to 6. */
async function publishSix(
  broker = new MemoryBroker(),
): Promise<{ topic: Topic; at: (offset: number) => Position }> {
  const topic = openTopics({ broker, historySize: 4 }).topic("news");
  for (let offset = 1; offset <= 6; offset++) await topic.publish(String(offset));
  const { epoch } = (await topic.history()).position;
  return { topic, at: (offset) => ({ epoch, offset }) };
}

describe("history with before", () => {
  it("rejects together with since", async () => {
    const topic = openTopics({}).topic("news");
    const { position } = await topic.publish("one");
    await expect(topic.history({ since: position, before: position })).rejects.toMatchObject({
      name: "UsageError",
      code: "INVALID_OPTION",
    });
    // An empty text means that there is no position, as in the query of a URL.
    expect(await topic.history({ since: "", before: position })).toMatchObject({ recovered: true });
  });

  it("has the publications right before any position, as far as the history goes back", async () => {
    const { topic, at } = await publishSix();
    for (let end = 0; end <= 7; end++) {
      for (let limit = 0; limit <= 7; limit++) {
        const kept = ["3", "4", "5", "6"].filter((text) => Number(text) < end);
        const page = await topic.history({ before: at(end), limit });
        const texts = page.publications.map(({ data }) => data);
        expect([end, limit, texts]).toEqual([end, limit, limit === 0 ? [] : kept.slice(-limit)]);
        expect(page).toMatchObject({ recovered: true, position: at(6) });
      }
    }
  });

  it("is not recovered for a position of another epoch, after the end, or that is not valid", async () => {
    const { topic, at } = await publishSix();
    const cases = [
      [{ ...at(5), epoch: "other" }, "epoch-changed"],
      [at(8), "position-ahead"],
      ["nonsense", "invalid-position"],
    ] as const;
    for (const [before, reason] of cases) {
      expect(await topic.history({ before })).toEqual({
        recovered: false,
        reason,
        position: at(6),
        publications: [],
      });
    }
  });

  it("leaves out publications before a missing one", async () => {
    class LossyBroker extends MemoryBroker {
      override async history(
        ...args: Parameters<MemoryBroker["history"]>
      ): ReturnType<MemoryBroker["history"]> {
        const page = await super.history(...args);
        const publications = page.publications.filter(({ position }) => position.offset !== 4);
        return { ...page, publications };
      }
    }
    const { topic, at } = await publishSix(new LossyBroker());
    const { publications } = await topic.history({ before: at(7) });
    expect(publications.map(({ data }) => data)).toEqual(["5", "6"]);
    expect((await topic.history({ before: at(5) })).publications).toEqual([]);
  });
});
