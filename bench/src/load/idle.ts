import { type BuiltMessages, buildForServer, counterForServer } from "./built-messages.ts";
import { LoadConnection } from "./connection.ts";
import { maskedFrame } from "./frames.ts";
import type { IdleLoad, MessageShape } from "./loads.ts";
import type { Release, RunOrder } from "./protocol.ts";
import { Session } from "./session.ts";
import { Speaker } from "./speaker.ts";

const PING = 0x89;
const PONG = 0x8a;

/** Opens connections and keeps them open. They answer the pings of the server's heartbeat. */
export async function openIdle(load: IdleLoad, order: RunOrder): Promise<Release> {
  const { subject } = order;
  const { echoOnce } = load;
  const session = new Session(order);
  const messages = echoOnce && buildForServer(echoOnce, 1, subject.isFramed);
  if (subject.dialect !== undefined) return openSpeakers(load, order, session);
  const connections = await session.openAll(load.connections, async () => {
    const idle = new IdleConnection();
    await idle.open(order, session, echoOnce?.deflate);
    if (echoOnce && messages) await session.orFailure(idle.echo(echoOnce, messages));
    return idle;
  });
  return () => {
    for (const connection of connections) connection.reset();
  };
}

/** Opens connections that exchange the prelude of the program's dialect, and then stay idle. */
async function openSpeakers(load: IdleLoad, order: RunOrder, session: Session): Promise<Release> {
  const speakers = await session.openAll(load.connections, async () => {
    const speaker = new Speaker();
    await speaker.open(order, session);
    return speaker;
  });
  return () => {
    for (const speaker of speakers) speaker.reset();
  };
}

class IdleConnection {
  #connection: LoadConnection | undefined;
  #onBytes: (bytes: Buffer, end: number) => void = (bytes, end) => this.#answerPing(bytes, end);

  async open(
    { subject }: RunOrder,
    { onFailed }: Session,
    deflate: MessageShape["deflate"],
  ): Promise<void> {
    const onBytes = (bytes: Buffer, end: number): void => this.#onBytes(bytes, end);
    this.#connection = await LoadConnection.open(subject, { onBytes, onFailed }, { deflate });
  }

  /** Sends one message, and waits for its echo. */
  async echo(shape: MessageShape, messages: BuiltMessages): Promise<void> {
    const counter = counterForServer(shape, true);
    const onIdle = this.#onBytes;
    await new Promise<void>((resolve) => {
      this.#onBytes = (bytes, end) => {
        if (counter.count(bytes, 0, end) > 0) resolve();
      };
      this.#connection?.write(messages.slice(0, 1));
    });
    this.#onBytes = onIdle;
  }

  reset(): void {
    this.#connection?.reset();
  }

  #answerPing(bytes: Buffer, end: number): void {
    if (bytes[0] === PING) this.#connection?.write(maskedFrame(PONG, bytes.subarray(2, end)));
  }
}
