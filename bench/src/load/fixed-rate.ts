import { buildForServer, counterForServer } from "./built-messages.ts";
import { LoadConnection } from "./connection.ts";
import type { FixedRateLoad } from "./loads.ts";
import type { RunOrder, TrafficRound } from "./protocol.ts";
import { Session } from "./session.ts";

/**
 * Sends evenly spaced messages, each on the next connection. Timers are too coarse for that, so the load
 * polls the clock and uses a whole core.
 */
export async function runFixedRate(load: FixedRateLoad, order: RunOrder): Promise<TrafficRound> {
  const { subject } = order;
  const session = new Session(order);
  const messages = buildForServer(load, 1, subject.isFramed);
  let received = 0;
  const connections = await session.openAll(load.connections, () => {
    const counter = counterForServer(load, subject.isFramed);
    const onBytes = (bytes: Buffer, end: number): void => {
      received += counter.count(bytes, 0, end);
    };
    return LoadConnection.open(subject, { onBytes, onFailed: session.onFailed });
  });

  const everyMs = 1000 / load.messagesPerSecond;
  let sent = 0;
  let dueAt = performance.now();
  let isOver = false;
  const sendWhatIsDue = (): void => {
    for (const now = performance.now(); dueAt <= now; dueAt += everyMs) {
      connections[sent % connections.length].write(messages.slice(sent, 1));
      sent++;
    }
    if (!isOver) setImmediate(sendWhatIsDue);
  };

  sendWhatIsDue();
  try {
    return await session.measure(() => received);
  } finally {
    isOver = true;
    for (const connection of connections) connection.reset();
  }
}
