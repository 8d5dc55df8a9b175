import { LoadConnection } from "./connection.ts";
import { maskedFrame } from "./frames.ts";
import type { HandshakeLoad } from "./loads.ts";
import type { RunOrder, Subject, TrafficRound } from "./protocol.ts";
import { Session } from "./session.ts";

const CLOSE = 0x88;
const NORMAL_CLOSURE = Buffer.from([1000 >> 8, 1000 & 0xff]);
const CLOSE_FRAME = maskedFrame(CLOSE, NORMAL_CLOSURE);

/** Opens and closes connections. Each closed connection is replaced by the next. */
export async function runHandshakes(load: HandshakeLoad, order: RunOrder): Promise<TrafficRound> {
  const session = new Session(order);
  let done = 0;
  let isOver = false;
  const one = async (): Promise<void> => {
    while (!isOver) {
      await openAndClose(order.subject, nextAddress(done));
      done++;
    }
  };
  const all = Array.from({ length: load.connections }, () => one().catch(session.onFailed));
  try {
    return await session.measure(() => done);
  } finally {
    isOver = true;
    await Promise.all(all);
  }
}

/** The next local address, because one address has too few ports for all connections of a minute. */
function nextAddress(count: number): string {
  return `127.0.0.${2 + (count % 200)}`;
}

function openAndClose(subject: Subject, localAddress: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let connection: LoadConnection | undefined;
    const onBytes = (bytes: Buffer): void => {
      if (bytes[0] !== CLOSE) {
        reject(new Error("the server did not answer a Close frame with a Close frame"));
        return;
      }
      connection?.destroy();
      resolve();
    };
    LoadConnection.open(subject, { onBytes, onFailed: reject }, { localAddress }).then((opened) => {
      connection = opened;
      opened.write(CLOSE_FRAME);
    }, reject);
  });
}
