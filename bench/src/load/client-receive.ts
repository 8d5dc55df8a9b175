import { ANSWER, BATCHES_IN_FLIGHT, messagesPerBatch } from "./batches.ts";
import { buildForClient } from "./built-messages.ts";
import { FrameCounter } from "./counters.ts";
import { LoadListener } from "./listener.ts";
import type { ClientReceiveLoad } from "./loads.ts";
import type { RunOrder, TrafficRound } from "./protocol.ts";
import { Session } from "./session.ts";

/** Sends two batches to each client, and another one for each answer. */
export async function feedClients(
  load: ClientReceiveLoad,
  order: RunOrder,
  announce: (port: number) => void,
): Promise<TrafficRound> {
  const session = new Session(order);
  const batch = messagesPerBatch(load);
  const bytes = buildForClient(load, batch).slice(0, batch);
  let batches = 0;
  const listener = await LoadListener.listen((client) => {
    const answers = new FrameCounter({
      firstByte: 0x81,
      payloadBytes: ANSWER.length,
      isMasked: true,
    });
    for (let sent = 0; sent < BATCHES_IN_FLIGHT; sent++) client.write(bytes);
    return {
      onBytes(answer, end) {
        const count = answers.count(answer, 0, end);
        batches += count;
        for (let sent = 0; sent < count; sent++) client.write(bytes);
      },
      onFailed: session.onFailed,
    };
  });
  announce(listener.port);
  try {
    return await session.measure(() => batches * batch);
  } finally {
    listener.close();
  }
}
