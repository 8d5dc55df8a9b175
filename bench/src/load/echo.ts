import { type BuiltMessages, buildForServer, counterForServer } from "./built-messages.ts";
import { LoadConnection } from "./connection.ts";
import type { MessageCounter } from "./counters.ts";
import type { EchoLoad } from "./loads.ts";
import type { RunOrder, TrafficRound } from "./protocol.ts";
import { Session } from "./session.ts";

/** Keeps the connections busy: each echo triggers the next message. */
export async function runEcho(load: EchoLoad, order: RunOrder): Promise<TrafficRound> {
  const { isFramed } = order.subject;
  const session = new Session(order);
  const messages = buildForServer(load, load.inFlight, isFramed);
  const echoes: Echo[] = [];
  try {
    await session.openAll(load.connections, () => {
      const echo = new Echo(messages, counterForServer(load, isFramed), session.onFailed);
      echoes.push(echo);
      return echo.open(order, load);
    });
    for (const echo of echoes) echo.send(load.inFlight);
    return await session.measure(() => echoes.reduce((sum, { received }) => sum + received, 0));
  } finally {
    for (const echo of echoes) echo.reset();
  }
}

class Echo {
  received = 0;
  readonly #messages: BuiltMessages;
  readonly #counter: MessageCounter;
  readonly #onFailed: (error: Error) => void;
  #connection: LoadConnection | undefined;
  #sent = 0;

  constructor(messages: BuiltMessages, counter: MessageCounter, onFailed: (error: Error) => void) {
    this.#messages = messages;
    this.#counter = counter;
    this.#onFailed = onFailed;
  }

  async open({ subject }: RunOrder, { deflate }: EchoLoad): Promise<void> {
    const listener = { onBytes: this.#onBytes, onFailed: this.#onFailed };
    this.#connection = await LoadConnection.open(subject, listener, { deflate });
  }

  send(count: number): void {
    this.#connection?.write(this.#messages.slice(this.#sent, count));
    this.#sent += count;
  }

  reset(): void {
    this.#connection?.reset();
  }

  readonly #onBytes = (bytes: Buffer, end: number): void => {
    const count = this.#counter.count(bytes, 0, end);
    this.received += count;
    if (count > 0) this.send(count);
  };
}
