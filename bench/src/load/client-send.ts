import { ANSWER, messagesPerBatch } from "./batches.ts";
import { FrameCounter } from "./counters.ts";
import { firstByteOf, serverFrame } from "./frames.ts";
import { LoadListener } from "./listener.ts";
import type { ClientSendLoad } from "./loads.ts";
import type { RunOrder, TrafficRound } from "./protocol.ts";
import { Session } from "./session.ts";

const ANSWER_FRAME = serverFrame(0x81, Buffer.from(ANSWER));

/** Counts the messages of clients, and answers each batch. */
export async function drainClients(
  load: ClientSendLoad,
  order: RunOrder,
  announce: (port: number) => void,
): Promise<TrafficRound> {
  const session = new Session(order);
  const batch = messagesPerBatch(load);
  let messages = 0;
  const listener = await LoadListener.listen((client) => {
    const { payloadBytes } = load;
    const frames = new FrameCounter({
      firstByte: firstByteOf(load),
      payloadBytes,
      isMasked: true,
    });
    let unanswered = 0;
    return {
      onBytes(bytes, end) {
        const count = frames.count(bytes, 0, end);
        messages += count;
        unanswered += count;
        for (; unanswered >= batch; unanswered -= batch) client.write(ANSWER_FRAME);
      },
      onFailed: session.onFailed,
    };
  });
  announce(listener.port);
  try {
    return await session.measure(() => messages);
  } finally {
    listener.close();
  }
}
