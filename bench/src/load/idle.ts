import { buildForServer, counterForServer } from "./built-messages.ts";
import { LoadConnection } from "./connection.ts";
import type { IdleLoad, MessageShape } from "./loads.ts";
import type { Held, RunOrder } from "./protocol.ts";
import { Session } from "./session.ts";

/** Opens the connections and leaves them open. */
export async function openIdle(load: IdleLoad, order: RunOrder): Promise<Held> {
  const session = new Session(order);
  const { echoOnce } = load;
  const connections = await session.openAll(load.connections, () =>
    echoOnce === undefined ? openSilent(order, session) : openAndEcho(order, session, echoOnce),
  );
  return () => {
    for (const connection of connections) connection.reset();
  };
}

function openSilent({ subject }: RunOrder, { onFailed }: Session): Promise<LoadConnection> {
  return LoadConnection.open(subject, { onBytes: () => {}, onFailed });
}

async function openAndEcho(
  { subject }: RunOrder,
  { onFailed }: Session,
  shape: MessageShape,
): Promise<LoadConnection> {
  const counter = counterForServer(shape, subject.isFramed);
  let onEchoed = (): void => {};
  const onBytes = (bytes: Buffer, end: number): void => {
    if (counter.count(bytes, 0, end) > 0) onEchoed();
  };
  const connection = await LoadConnection.open(subject, { onBytes, onFailed }, shape);
  await new Promise<void>((resolve) => {
    onEchoed = resolve;
    connection.write(buildForServer(shape, 1, subject.isFramed).slice(0, 1));
  });
  return connection;
}
