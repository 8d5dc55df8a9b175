/** The messages between the bench and a program under test, for all libraries and runtimes. */

/** A request of the bench to a program under test. */
export type SubjectOrder = { readonly ask: "memory"; readonly collectFirst: boolean } | ClientOrder;

/** Tells a client under test to connect, and which messages to send or expect. */
export interface ClientOrder {
  readonly ask: "connect";
  readonly url: string;
  readonly connections: number;
  readonly messagesPerBatch: number;
  readonly isText: boolean;
  readonly payloadBytes: number;
}

/** An answer of a program under test. */
export type SubjectAnswer = ReadyAnswer | MemoryAnswer;

export interface ReadyAnswer {
  /** 0 for a client. */
  readonly port: number;
  readonly pids: readonly number[];
}

export interface MemoryAnswer {
  readonly rssBytes: number;
  readonly heapBytes: number;
}

/** Tells the bench that a server listens. Prints that if the program was started by hand. */
export function ready(port: number, pids: readonly number[] = [process.pid]): void {
  // The program must not outlive the bench.
  process.on("disconnect", () => process.exit());
  process.on("message", (order: SubjectOrder) => {
    if (order.ask === "memory") void answerMemory(order.collectFirst);
  });
  if (process.send === undefined) console.log(`pid ${pids.join(",")}, port ${port}`);
  else answer({ port, pids });
}

/** Tells the bench that a client waits for its order to connect. */
export function readyToConnect(connect: (order: ClientOrder) => void): void {
  process.on("message", (order: SubjectOrder) => {
    if (order.ask === "connect") connect(order);
  });
  ready(0);
}

async function answerMemory(collectFirst: boolean): Promise<void> {
  for (let times = 0; collectFirst && times < 3; times++) {
    collectGarbage();
    // The runtime frees some objects only in later turns of the event loop.
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
  }
  const { rss, heapUsed } = process.memoryUsage();
  answer({ rssBytes: rss, heapBytes: heapUsed });
}

function collectGarbage(): void {
  const runtime = globalThis as { gc?: () => void; Bun?: { gc(isForced: boolean): void } };
  if (runtime.Bun === undefined) runtime.gc?.();
  else runtime.Bun.gc(true);
}

function answer(message: SubjectAnswer): void {
  process.send?.(message);
}
