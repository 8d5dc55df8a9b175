import { describe, expect, it } from "vitest";
import type { Position } from "../../../src/topics/broker/position.ts";
import type { Publication } from "../../../src/topics/broker/publication.ts";
import { RecentPublications } from "../../../src/topics/messages/recent-publications.ts";
import { TopicEncoder } from "../../../src/topics/messages/topic-encoder.ts";
import type { EncodeTopicMessage } from "../../../src/topics/messages/topic-message.ts";
import {
  type GroupSource,
  SubscriberGroup,
} from "../../../src/topics/subscribers/subscriber-group.ts";
import type { TopicsEnvironment } from "../../../src/topics/messages/topics-environment.ts";
import { RecordingSocket } from "../support.ts";

const at = (offset: number): Position => ({ epoch: "e", offset });

/** The text of a publication, or the type of a notice. */
const encode: EncodeTopicMessage = (message) =>
  message.type === "publication" ? message.publication.data : message.type;

/** A topic that publishes to one group, as a feed does. */
class FakeFeed implements GroupSource {
  readonly name = "news";
  position = at(0);
  readonly hasPresence = true;
  readonly members = [];
  readonly recent = new RecentPublications();
  readonly group: SubscriberGroup;

  constructor(encoding: EncodeTopicMessage = encode) {
    const environment = {
      share: (content) => content,
      report: () => {},
    } as Partial<TopicsEnvironment>;
    const encoder = new TopicEncoder(this.name, encoding, environment as TopicsEnvironment);
    this.group = new SubscriberGroup(this, encoder);
  }

  async readPublications(): Promise<readonly Publication[]> {
    return [];
  }

  removeGroup(): void {}

  publish(...texts: string[]): void {
    for (const data of texts) {
      this.position = at(this.position.offset + 1);
      this.group.offer(this.recent.add({ position: this.position, id: data, data }));
    }
  }

  /** Subscribes a socket at the end of the topic. */
  subscribe(socket = new RecordingSocket()): RecordingSocket {
    this.group.add(socket, { position: this.position, recovered: false }, true);
    return socket;
  }
}

const SUBSCRIBED = ["subscribed", "members"];

describe("SubscriberGroup", () => {
  it("delivers publications that arrive together, one subscriber after another", async () => {
    const feed = new FakeFeed();
    const sent: string[] = [];
    for (const name of ["a", "b"]) {
      const socket = feed.subscribe();
      socket.send = (data) => sent.push(`${name} ${data as string}`) > 0;
    }
    feed.publish("1", "2");
    expect(sent).toEqual([]);
    await Promise.resolve();
    expect(sent).toEqual(["a 1", "a 2", "b 1", "b 2"]);
  });

  it("delivers 64 publications without waiting for more", () => {
    const feed = new FakeFeed();
    const socket = feed.subscribe();
    const texts = Array.from({ length: 65 }, (_, index) => `${index}`);
    feed.publish(...texts);
    expect(socket.sent).toEqual([...SUBSCRIBED, ...texts.slice(0, 64)]);
  });

  it.each<[string, (feed: FakeFeed) => void, string[]]>([
    [
      "a notice of presence",
      ({ group }) => group.notify({ type: "join", topic: "news", member: { id: "m", data: "" } }),
      ["join"],
    ],
    ["a notice of a loss", ({ group }) => group.skipTo(at(1), "missing"), ["lost"]],
    ["the close of the socket", ({ group }) => group.close(1001, ""), []],
  ])("delivers a publication before %s that follows it", async (_, follow, after) => {
    const feed = new FakeFeed();
    const socket = feed.subscribe();
    feed.publish("1");
    follow(feed);
    await Promise.resolve();
    expect(socket.sent).toEqual([...SUBSCRIBED, "1", ...after]);
  });

  it("delivers a publication before a loss because the next one cannot be encoded", async () => {
    const feed = new FakeFeed((message) => {
      if (message.type === "publication" && message.publication.data === "2") throw new Error("2");
      return encode(message);
    });
    const socket = feed.subscribe();
    feed.publish("1", "2", "3");
    await Promise.resolve();
    expect(socket.sent).toEqual([...SUBSCRIBED, "1", "lost", "3"]);
  });

  it("sends a new subscriber nothing that was published before it subscribed", async () => {
    const feed = new FakeFeed();
    const earlier = feed.subscribe();
    feed.publish("1");
    const later = feed.subscribe();
    feed.publish("2");
    await Promise.resolve();
    expect(earlier.sent).toEqual([...SUBSCRIBED, "1", "2"]);
    expect(later.sent).toEqual([...SUBSCRIBED, "2"]);
  });

  it("sends a subscriber that unsubscribes nothing more", async () => {
    const feed = new FakeFeed();
    const socket = feed.subscribe();
    feed.publish("1");
    feed.group.end(socket);
    await Promise.resolve();
    expect(socket.sent).toEqual(SUBSCRIBED);
  });
});
