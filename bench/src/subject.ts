/** What every program under test says to the bench, whatever library and runtime it is made of. */

/** What the bench asks of a program under test. */
export type SubjectOrder = { readonly ask: "memory"; readonly collectFirst: boolean } | ClientOrder;

/** Where a client under test is to connect to, and what it is to do there. */
export interface ClientOrder {
  readonly ask: "connect";
  readonly url: string;
  readonly connections: number;
  readonly messagesPerBatch: number;
  readonly isText: boolean;
  readonly payloadBytes: number;
}

/** What it answers. */
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

/** Says that a server listens; started by hand, it prints that. */
export function ready(port: number, pids: readonly number[] = [process.pid]): void {
  // Whatever became of the bench: nothing is left running.
  process.on("disconnect", () => process.exit());
  process.on("message", (order: SubjectOrder) => {
    if (order.ask === "memory") void answerMemory(order.collectFirst);
  });
  if (process.send === undefined) console.log(`pid ${pids.join(",")}, port ${port}`);
  else answer({ port, pids });
}

/** Says that a client waits for being told where to connect to. */
export function readyToConnect(connect: (order: ClientOrder) => void): void {
  process.on("message", (order: SubjectOrder) => {
    if (order.ask === "connect") connect(order);
  });
  ready(0);
}

async function answerMemory(collectFirst: boolean): Promise<void> {
  for (let times = 0; collectFirst && times < 3; times++) {
    collectGarbage();
    // What the first collection has let go of is freed in turns of the loop.
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
