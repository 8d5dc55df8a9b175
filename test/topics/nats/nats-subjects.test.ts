import { expect, it } from "vitest";
import { messageIdOf, NatsSubjects } from "../../../src/topics/nats/nats-subjects.ts";

const subjects = new NatsSubjects("tideway");

it("names the subjects of a topic, which is encoded as one token", () => {
  expect(subjects.log("a.b *")).toBe("tideway.log.a%2Eb%20%2A");
  expect(subjects.entries("news")).toBe("tideway.here.news");
  expect(subjects.entry("news", "key")).toBe("tideway.here.news.key");
  expect(subjects.live("news")).toEqual({
    publications: "tideway.live.news",
    presence: "tideway.presence.news.*",
  });
  expect(messageIdOf("a.b", "c*")).toBe("a%2Eb:c%2A");
});

it("names the subjects that each stream stores and republishes", () => {
  expect(subjects.logStream).toEqual({
    subject: "tideway.log.*",
    republishTo: "tideway.live.{{wildcard(1)}}",
  });
  expect(subjects.presenceStream).toEqual({
    subject: "tideway.here.*.*",
    republishTo: "tideway.presence.{{wildcard(1)}}.{{wildcard(2)}}",
  });
});
