import { type Socket, connect } from "node:net";
import { cpuSeconds } from "../cpu-time.ts";
import { ByteCounter, FrameCounter, type MessageCounter } from "./counters.ts";
import { maskedFrame, randomPayload, serverFrameBytes, upgradeRequest } from "./frames.ts";
import type { LoadOrder, LoadResult } from "./protocol.ts";

const OPCODES = { text: 1, binary: 2 } as const;

/** Where every socket reads into: what was read is counted before the next read. */
const readBuffer = Buffer.allocUnsafeSlow(1024 * 1024);

/** Keeps the connections busy and measures what the server did in the time after the warm-up. */
export async function runEcho(order: LoadOrder): Promise<LoadResult> {
  const { workload, serverPid, warmUpMs, measuredMs } = order;
  const messages = buildMessages(order);
  const connections: EchoConnection[] = [];
  let failure: Error | undefined;
  try {
    for (let opened = 0; opened < workload.connections; opened++) {
      const connection = new EchoConnection(messages, counterFor(order), (error) => {
        failure ??= error;
      });
      connections.push(connection);
      // One at a time: connecting is not measured.
      await connection.open(order.port, order.framed);
    }
    for (const connection of connections) connection.send(workload.inFlight);
    await delay(warmUpMs);
    const before = sample(connections, serverPid);
    await delay(measuredMs);
    const after = sample(connections, serverPid);
    if (failure !== undefined) throw failure;
    return {
      messages: after.messages - before.messages,
      wallSeconds: after.wallSeconds - before.wallSeconds,
      serverCpuSeconds: after.serverCpuSeconds - before.serverCpuSeconds,
      clientCpuSeconds: after.clientCpuSeconds - before.clientCpuSeconds,
    };
  } finally {
    for (const connection of connections) connection.reset();
  }
}

/** Messages of one length, ready to be sent: any run of at most `inFlight` lies in one piece. */
interface BuiltMessages {
  readonly bytes: Buffer;
  readonly messageBytes: number;
  readonly inFlight: number;
}

function buildMessages({ workload, framed }: LoadOrder): BuiltMessages {
  const { opcode, payloadBytes, inFlight } = workload;
  const once = Array.from({ length: inFlight }, () =>
    framed
      ? maskedFrame(OPCODES[opcode], randomPayload(opcode, payloadBytes))
      : randomPayload(opcode, serverFrameBytes(payloadBytes)),
  );
  return { bytes: Buffer.concat([...once, ...once]), messageBytes: once[0].length, inFlight };
}

function counterFor({ workload, framed }: LoadOrder): MessageCounter {
  const { opcode, payloadBytes } = workload;
  if (framed) return new FrameCounter(OPCODES[opcode], payloadBytes);
  return new ByteCounter(serverFrameBytes(payloadBytes));
}

class EchoConnection {
  readonly #messages: BuiltMessages;
  readonly #counter: MessageCounter;
  readonly #onFailed: (error: Error) => void;
  #socket: Socket | undefined;
  #onOpen: ((error?: Error) => void) | undefined;
  #head = "";
  #next = 0;
  #received = 0;

  constructor(messages: BuiltMessages, counter: MessageCounter, onFailed: (error: Error) => void) {
    this.#messages = messages;
    this.#counter = counter;
    this.#onFailed = onFailed;
  }

  get received(): number {
    return this.#received;
  }

  open(port: number, framed: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onOpen = (error) => {
        this.#onOpen = undefined;
        if (error === undefined) resolve();
        else reject(error);
      };
      const socket = connect({
        port,
        host: "127.0.0.1",
        noDelay: true,
        onread: {
          buffer: readBuffer,
          callback: (byteCount) => {
            this.#onBytes(byteCount);
            return true;
          },
        },
      });
      socket.on("connect", () => {
        if (framed) socket.write(upgradeRequest(port));
        else this.#onOpen?.();
      });
      socket.on("error", (error) => {
        this.#fail(error);
      });
      socket.on("end", () => {
        this.#fail(new Error("the server ended a connection"));
      });
      this.#socket = socket;
    });
  }

  send(count: number): void {
    const { bytes, messageBytes, inFlight } = this.#messages;
    const start = this.#next * messageBytes;
    this.#socket?.write(bytes.subarray(start, start + count * messageBytes));
    this.#next = (this.#next + count) % inFlight;
  }

  reset(): void {
    this.#socket?.resetAndDestroy();
  }

  #onBytes(byteCount: number): void {
    try {
      if (this.#onOpen !== undefined) {
        this.#readHead(byteCount);
        return;
      }
      const count = this.#counter.count(readBuffer, 0, byteCount);
      this.#received += count;
      if (count > 0) this.send(count);
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** No server speaks before it is spoken to, so nothing follows the head of the response. */
  #readHead(byteCount: number): void {
    this.#head += readBuffer.toString("latin1", 0, byteCount);
    if (!this.#head.endsWith("\r\n\r\n")) return;
    if (this.#head.startsWith("HTTP/1.1 101 ")) this.#onOpen?.();
    else this.#fail(new Error(`the server refused: ${this.#head}`));
  }

  #fail(error: Error): void {
    this.#onFailed(error);
    this.#onOpen?.(error);
    this.#socket?.destroy();
  }
}

function sample(connections: readonly EchoConnection[], serverPid: number): LoadResult {
  const serverCpuSeconds = cpuSeconds(serverPid);
  return {
    messages: connections.reduce((sum, { received }) => sum + received, 0),
    wallSeconds: performance.now() / 1000,
    serverCpuSeconds,
    clientCpuSeconds: cpuSeconds(process.pid),
  };
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
