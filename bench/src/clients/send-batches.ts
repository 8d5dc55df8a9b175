import { BATCHES_IN_FLIGHT } from "../load/batches.ts";
import type { ClientOrder } from "../subject.ts";

/** What sending needs of a socket, whatever library it is of. */
export interface BatchSocket {
  onOpen(listener: () => void): void;
  onMessage(listener: () => void): void;
  send(message: string | Uint8Array<ArrayBuffer>): void;
}

/** Sends two batches at first, and one more for each message that comes back. */
export function sendBatches(order: ClientOrder, socket: BatchSocket): void {
  const { messagesPerBatch, isText, payloadBytes } = order;
  const message = isText ? "x".repeat(payloadBytes) : new Uint8Array(payloadBytes).fill(0x78);
  const sendBatch = (): void => {
    for (let sent = 0; sent < messagesPerBatch; sent++) socket.send(message);
  };
  socket.onOpen(() => {
    for (let batch = 0; batch < BATCHES_IN_FLIGHT; batch++) sendBatch();
  });
  socket.onMessage(sendBatch);
}
