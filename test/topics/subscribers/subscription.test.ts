import { expect, it } from "vitest";
import { openTopics, RecordingSocket, texts } from "../support.ts";

it("ends at the end of a block with using", async () => {
  const topic = openTopics().topic("news");
  const socket = new RecordingSocket();
  {
    using _subscription = await topic.subscribe(socket);
    await topic.publish("one");
  }
  await topic.publish("two");
  expect(texts(socket)).toEqual(["one"]);
});
