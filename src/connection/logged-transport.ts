import type { DebugLog } from "../errors/debug-log.ts";
import type { ByteTransport, ByteTransportHandler } from "./byte-transport.ts";
import { SlowPhase } from "./slow-phase.ts";
import type { TimerWheel } from "./timer-wheel.ts";

/** A transport that counts its bytes, and writes to the debug log if the peer reads output slowly. */
export class LoggedTransport implements ByteTransport, ByteTransportHandler {
  readBytes = 0;
  writtenBytes = 0;
  readonly #transport: ByteTransport;
  /** The name of the connection in log lines. */
  readonly #name: string;
  readonly #blocked: SlowPhase;
  #handler: ByteTransportHandler | undefined;

  constructor(transport: ByteTransport, name: string, log: DebugLog, wheel: TimerWheel) {
    this.#transport = transport;
    this.#name = name;
    this.#blocked = new SlowPhase(log, wheel);
  }

  get unwrittenBytes(): number | undefined {
    return this.#transport.unwrittenBytes;
  }

  start(handler: ByteTransportHandler): void {
    this.#handler = handler;
    this.#transport.start(this);
  }

  write(bytes: Uint8Array): boolean {
    const byteLength = bytes.length;
    this.writtenBytes += byteLength;
    const isDone = this.#transport.write(bytes);
    if (!isDone) {
      this.#blocked.start((ageMs) => {
        const waitingBytes = this.unwrittenBytes ?? byteLength;
        return `${this.#name} writing paused: ${waitingBytes} bytes have waited ${ageMs} ms for the peer to read`;
      });
    }
    return isDone;
  }

  pause(): void {
    this.#transport.pause();
  }

  resume(): void {
    this.#transport.resume();
  }

  end(): void {
    this.#transport.end();
  }

  destroy(): void {
    this.#transport.destroy();
  }

  onBytes(chunk: Uint8Array): void {
    this.readBytes += chunk.length;
    this.#handler!.onBytes(chunk);
  }

  onDrain(): void {
    this.#blocked.end((ageMs) => `${this.#name} writing resumed after ${ageMs} ms`);
    this.#handler!.onDrain();
  }

  onEnd(): void {
    this.#handler!.onEnd();
  }

  onClosed(error: Error | undefined): void {
    this.#blocked.cancel();
    this.#handler!.onClosed(error);
  }
}
