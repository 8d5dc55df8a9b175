import { DIALECTS } from "./dialects.ts";
import type { CallsLoad } from "./loads.ts";
import type { RunOrder, TrafficRound } from "./protocol.ts";
import { Session } from "./session.ts";
import { frames, Speaker } from "./speaker.ts";

/** Keeps the connections busy: each answer triggers the next call. */
export async function runCalls(load: CallsLoad, order: RunOrder): Promise<TrafficRound> {
  const { connections, inFlight } = load;
  const session = new Session(order);
  const dialect = DIALECTS[order.subject.dialect!];
  const calls = Array.from({ length: inFlight }, (_, number) => frames([dialect.call(number)]));
  const callers: Caller[] = [];
  try {
    await session.openAll(connections, async () => {
      const caller = new Caller(calls);
      callers.push(caller);
      await caller.speaker.open(order, session);
    });
    for (const caller of callers) caller.start();
    return await session.measure(() => callers.reduce((sum, { answered }) => sum + answered, 0));
  } finally {
    for (const { speaker } of callers) speaker.reset();
  }
}

class Caller {
  readonly speaker = new Speaker();
  answered = 0;
  readonly #calls: readonly Buffer[];
  #sent = 0;

  constructor(calls: readonly Buffer[]) {
    this.#calls = calls;
  }

  start(): void {
    this.speaker.listen((count) => {
      this.answered += count;
      this.#send(count);
    });
    this.#send(this.#calls.length);
  }

  /** Answers come in the order of the calls, so their numbers are free again in this order. */
  #send(count: number): void {
    const calls = Array.from(
      { length: count },
      (_, index) => this.#calls[(this.#sent + index) % this.#calls.length],
    );
    this.#sent += count;
    this.speaker.write(Buffer.concat(calls));
  }
}
