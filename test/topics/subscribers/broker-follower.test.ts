import { expect, it } from "vitest";
import { FaultyBroker, openTopics, RecordingSocket, settle, texts } from "../support.ts";

it.each([
  ["the next offset", 2],
  ["an earlier offset", 1],
  ["a later offset", 3],
])(
  "reads the broker instead of delivering a publication of another epoch with %s",
  async (_, offset) => {
    const broker = new FaultyBroker();
    const topic = openTopics({ broker }).topic("news");
    const socket = new RecordingSocket();
    await topic.subscribe(socket);
    await topic.publish("one");
    broker.calls.length = 0;
    const [listener] = broker.listeners;
    listener.onPublication({
      position: { epoch: "other", offset },
      id: "x",
      data: "of another epoch",
    });
    await settle();
    expect(broker.calls).toContain("history");
    await topic.publish("two");
    expect(texts(socket)).toEqual(["one", "two"]);
  },
);
