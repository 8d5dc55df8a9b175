import { buildForClient, buildForServer } from "./built-messages.ts";
import { LoadConnection } from "./connection.ts";
import { type AcceptedClient, LoadListener } from "./listener.ts";
import type { ClientUnreadLoad, MessageShape, UnreadLoad } from "./loads.ts";
import type { Release, RunOrder } from "./protocol.ts";
import { Session } from "./session.ts";

/** The time without progress after which the peer accepts no more bytes. */
const STUCK_AFTER_MS = 1000;

/** The approximate size of one write. */
const PIECE_BYTES = 1024 * 1024;

/** Sends until all bytes are sent, or the server accepts no more. Leaves the connection open. */
export async function sendUnread(load: UnreadLoad, order: RunOrder): Promise<Release> {
  const { subject } = order;
  const session = new Session(order);
  const listener = { onBytes: () => {}, onFailed: session.onFailed };
  const connection = await LoadConnection.open(subject, listener);
  const count = messagesPerPiece(load);
  const piece = buildForServer(load, count, subject.isFramed).slice(0, count);
  await sendUntilStuck(connection, piece, load.totalBytes, session);
  return () => connection.reset();
}

/** Sends to a client once it has connected, like `sendUnread`. */
export async function sendUnreadToClient(
  load: ClientUnreadLoad,
  order: RunOrder,
  announce: (port: number) => void,
): Promise<Release> {
  const session = new Session(order);
  const count = messagesPerPiece(load);
  const piece = buildForClient(load, count).slice(0, count);
  let onConnected: (client: AcceptedClient) => void = () => {};
  const connected = new Promise<AcceptedClient>((resolve) => {
    onConnected = resolve;
  });
  const listener = await LoadListener.listen((client) => {
    onConnected(client);
    return { onBytes: () => {}, onFailed: session.onFailed };
  });
  announce(listener.port);
  await sendUntilStuck(await connected, piece, load.totalBytes, session);
  return () => listener.close();
}

function messagesPerPiece({ payloadBytes }: MessageShape): number {
  return Math.max(1, Math.floor(PIECE_BYTES / payloadBytes));
}

async function sendUntilStuck(
  peer: Pick<LoadConnection, "write">,
  piece: Buffer,
  totalBytes: number,
  session: Session,
): Promise<void> {
  let sentBytes = 0;
  const send = (): void => {
    sentBytes += piece.length;
    if (sentBytes < totalBytes) peer.write(piece, send);
  };
  peer.write(piece, send);
  for (let before = -1; before !== sentBytes && sentBytes < totalBytes;) {
    before = sentBytes;
    await session.wait(STUCK_AFTER_MS);
  }
}
