import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "tideway";

const INTERVAL_MS = 20;

/** One open connection that sends a message after the other, to measure the delay of their echoes. */
export class Probe {
  readonly delaysMs: number[] = [];
  #isStopped = false;
  readonly #ended: Promise<void>;

  /** Resolves once the connection is open. Tries again for `timeoutMs`, because many clients connect. */
  static async open(url: string, timeoutMs: number): Promise<Probe> {
    const endMs = performance.now() + timeoutMs;
    for (;;) {
      const socket = new WebSocket(url);
      const failure = failureOf(socket);
      try {
        await Promise.race([socket.onOpen.first, failure]);
        return new Probe(socket, failure);
      } catch (error) {
        if (performance.now() > endMs) throw error;
      }
    }
  }

  private constructor(socket: WebSocket, failure: Promise<never>) {
    this.#ended = this.#run(socket, failure);
    // Only `stop` reports a failure.
    this.#ended.catch(() => {});
  }

  /** Closes the connection. Rejects if the connection was lost. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#ended;
  }

  async #run(socket: WebSocket, failure: Promise<never>): Promise<void> {
    while (!this.#isStopped) {
      const echoed = socket.onMessage.first;
      const startMs = performance.now();
      socket.send("probe");
      await Promise.race([echoed, failure]);
      this.delaysMs.push(performance.now() - startMs);
      await delay(INTERVAL_MS);
    }
    const closed = socket.onClose.first;
    socket.close();
    await closed;
  }
}

async function failureOf(socket: WebSocket): Promise<never> {
  const { code } = await socket.onClose.first;
  throw new Error(`a server closed the connection that measures delays, with ${code}`);
}
