import { buildForServer, counterForServer } from "./built-messages.ts";
import { LoadConnection } from "./connection.ts";
import type { BroadcastLoad } from "./loads.ts";
import type { RunOrder, TrafficRound } from "./protocol.ts";
import { Session } from "./session.ts";

/** The prefix of messages that the server sends to all connections, without the prefix. */
const PUBLISH = "P!";

/** Counts deliveries. The publisher sends the next message when it receives its own. */
export async function runBroadcast(load: BroadcastLoad, order: RunOrder): Promise<TrafficRound> {
  const { subject } = order;
  const session = new Session(order);
  const messages = buildForServer(load, load.inFlight, subject.isFramed, PUBLISH);
  const connections: LoadConnection[] = [];
  let delivered = 0;
  let published = 0;

  const open = async (onDelivered: (count: number) => void): Promise<LoadConnection> => {
    const counter = counterForServer(load, subject.isFramed);
    const onBytes = (bytes: Buffer, end: number): void => {
      const count = counter.count(bytes, 0, end);
      delivered += count;
      if (count > 0) onDelivered(count);
    };
    const { onFailed } = session;
    const connection = await LoadConnection.open(subject, { onBytes, onFailed });
    connections.push(connection);
    return connection;
  };
  const publish = (count: number): void => {
    publisher.write(messages.slice(published, count));
    published += count;
  };

  const publisher = await session.orFailure(open(publish));
  try {
    await session.openAll(load.connections - 1, () => open(() => {}));
    publish(load.inFlight);
    return await session.measure(() => delivered);
  } finally {
    for (const connection of connections) connection.reset();
  }
}
