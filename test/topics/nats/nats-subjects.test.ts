import { expect, it } from "vitest";
import { messageIdOf, NatsSubjects } from "../../../src/topics/nats/nats-subjects.ts";

const subjects = new NatsSubjects("tideway");

it("the subjects of a topic contain its name, encoded as one token", () => {
  expect(subjects.log("a.b *")).toBe("tideway.log.a%2Eb%20%2A");
  expect(subjects.entries("news")).toBe("tideway.here.news");
  expect(subjects.entry("news", "key")).toBe("tideway.here.news.key");
  expect(subjects.live("news")).toEqual({
    publications: "tideway.live.news",
    presence: "tideway.presence.news.*",
    messages: "tideway.sent.news",
  });
  expect(messageIdOf("a.b", "c*")).toBe("a%2Eb:c%2A");
});

it("each stream stores one set of subjects and republishes it under another", () => {
  expect(subjects.logStream).toEqual({
    subject: "tideway.log.*",
    republishTo: "tideway.live.{{wildcard(1)}}",
  });
  expect(subjects.presenceStream).toEqual({
    subject: "tideway.here.*.*",
    republishTo: "tideway.presence.{{wildcard(1)}}.{{wildcard(2)}}",
  });
});
