import { buildForServer } from "./built-messages.ts";
import { LoadConnection } from "./connection.ts";
import type { UnreadLoad } from "./loads.ts";
import type { RunOrder } from "./protocol.ts";
import { Session } from "./session.ts";

/** How long nothing must have moved to say that the server takes no more. */
const STUCK_AFTER_MS = 1000;

/** About so much is written at once. */
const PIECE_BYTES = 1024 * 1024;

/** Sends until all is sent or the server takes no more, and leaves the connection open. */
export async function sendUnread(load: UnreadLoad, order: RunOrder): Promise<LoadConnection[]> {
  const { subject } = order;
  const session = new Session(order);
  const count = Math.max(1, Math.floor(PIECE_BYTES / load.payloadBytes));
  const piece = buildForServer(load, count, subject.isFramed).slice(0, count);
  const listener = { onBytes: () => {}, onFailed: session.onFailed };
  const connection = await LoadConnection.open(subject, listener);

  let sentBytes = 0;
  const send = (): void => {
    sentBytes += piece.length;
    if (sentBytes < load.totalBytes) connection.write(piece, send);
  };
  connection.write(piece, send);
  for (let before = -1; before !== sentBytes && sentBytes < load.totalBytes;) {
    before = sentBytes;
    await session.wait(STUCK_AFTER_MS);
  }
  return [connection];
}
