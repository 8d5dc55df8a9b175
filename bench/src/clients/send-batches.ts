import { BATCHES_IN_FLIGHT } from "../load/batches.ts";
import type { ClientOrder } from "../subject.ts";

/** The functions of a socket that `sendBatches` uses, for all libraries. */
export interface BatchSocket {
  onOpen(listener: () => void): void;
  onMessage(listener: () => void): void;
  send(message: string | Uint8Array<ArrayBuffer>): void;
}

/** Sends two batches, and another one for each answer. */
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
