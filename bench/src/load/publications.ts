import { randomBytes } from "node:crypto";
import type { PublicationsLoad } from "./loads.ts";
import type { RunOrder, TrafficRound } from "./protocol.ts";
import { Session } from "./session.ts";
import { frames, Speaker } from "./speaker.ts";

/** The path on which the program publishes every message that it receives. */
const PUBLISH_PATH = "/publish";

/** Counts deliveries. Each delivery to the first subscriber triggers the next publication. */
export async function runPublications(
  load: PublicationsLoad,
  order: RunOrder,
): Promise<TrafficRound> {
  const session = new Session(order);
  const speakers: Speaker[] = [];
  const open = async (path?: string): Promise<Speaker> => {
    const speaker = new Speaker();
    speakers.push(speaker);
    await speaker.open(order, session, path);
    return speaker;
  };
  const publication = frames([jsonText(load.payloadBytes)]);
  let delivered = 0;
  try {
    const publisher = await session.orFailure(open(PUBLISH_PATH));
    const publish = (count: number): void => {
      publisher.write(Buffer.concat(Array.from({ length: count }, () => publication)));
    };
    const subscribers = await session.openAll(load.connections, () => open());
    for (const subscriber of subscribers) {
      const isFirst = subscriber === subscribers[0];
      subscriber.listen((count) => {
        delivered += count;
        if (isFirst) publish(count);
      });
    }
    publish(load.inFlight);
    return await session.measure(() => delivered);
  } finally {
    for (const speaker of speakers) speaker.reset();
  }
}

/** A random JSON string of exactly `bytes` bytes, quotes included. */
function jsonText(bytes: number): string {
  return JSON.stringify(
    randomBytes(bytes)
      .toString("base64url")
      .slice(0, bytes - 2),
  );
}
