import { messagesPerBatch } from "../load/batches.ts";
import type { ClientLoad, Load, MemoryLoad, MessageShape } from "../load/loads.ts";
import type { RunOrder, TrafficRound } from "../load/protocol.ts";
import type { LoadProcess, RunningProgram } from "./processes.ts";
import type { MemoryRound, Round } from "./rounds.ts";

export interface RoundTimes {
  readonly warmUpMs: number;
  readonly measuredMs: number;
}

/** Runs one round of a load on a program. */
export function measure(
  load: Load,
  running: RunningProgram,
  process: LoadProcess,
  times: RoundTimes,
): Promise<Round> {
  const order = { load, subject: running.subject, ...times };
  if (isMemoryLoad(load)) return measureMemory(load, running, process, order);
  if (isClientLoad(load)) return measureClient(load, running, process, order);
  return measureServer(process, order);
}

/** Whether each round needs a new process, because a process rarely returns memory to the system. */
export function isMemoryLoad(load: Load): load is MemoryLoad {
  return load.kind === "idle" || load.kind === "unread" || load.kind === "client-unread";
}

function isClientLoad(load: Load): load is ClientLoad {
  return load.kind === "client-receive" || load.kind === "client-send";
}

async function measureServer(process: LoadProcess, order: RunOrder): Promise<TrafficRound> {
  return (await process.run(order)) as TrafficRound;
}

async function measureClient(
  load: ClientLoad,
  running: RunningProgram,
  process: LoadProcess,
  order: RunOrder,
): Promise<TrafficRound> {
  const { listeningOn } = (await process.run(order)) as { listeningOn: number };
  const round = process.next();
  connect(running, listeningOn, load, load.connections);
  return (await round) as TrafficRound;
}

function connect(
  running: RunningProgram,
  port: number,
  shape: MessageShape,
  connections: number,
): void {
  running.tell({
    ask: "connect",
    url: `ws://127.0.0.1:${port}/`,
    connections,
    messagesPerBatch: messagesPerBatch(shape),
    isText: shape.payload !== "binary",
    payloadBytes: shape.payloadBytes,
  });
}

async function measureMemory(
  load: MemoryLoad,
  running: RunningProgram,
  process: LoadProcess,
  order: RunOrder,
): Promise<MemoryRound> {
  const connections = load.kind === "idle" ? load.connections : 1;
  const before = await running.memory(true);
  const answer = await process.run(order);
  if (load.kind === "client-unread") {
    const settled = process.next();
    connect(running, (answer as { listeningOn: number }).listeningOn, load, 1);
    await settled;
  }
  // For the growth of a process, garbage that is not collected yet counts as memory.
  const after = await running.memory(load.kind === "idle");
  await process.run({ release: true });
  return {
    rssBytes: (after.rssBytes - before.rssBytes) / connections,
    heapBytes: (after.heapBytes - before.heapBytes) / connections,
  };
}
