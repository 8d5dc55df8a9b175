import type { BunSocket, BunSocketData } from "../../src/bun/bun-api.ts";

/** Bun's side of a WebSocket, which records the calls. Like Bun, it reports its own end at once. */
export class FakeBunSocket implements BunSocket {
  data: BunSocketData;
  binaryType: BunSocket["binaryType"] = "nodebuffer";
  readonly calls: unknown[][] = [];
  /** The bytes that the kernel does not accept. */
  waitingBytes = 0;
  #isCorked = false;

  constructor(data: BunSocketData) {
    this.data = data;
  }

  send(message: string | Uint8Array): number {
    this.calls.push([this.#isCorked ? "send corked" : "send", message]);
    return this.waitingBytes > 0 ? -1 : message.length;
  }

  ping(payload: Uint8Array): number {
    this.calls.push(["ping", payload]);
    return payload.length;
  }

  close(code: number, reason: string): void {
    this.calls.push(["close", code, reason]);
    this.data.onClose(code, reason);
  }

  terminate(): void {
    this.calls.push(["terminate"]);
    this.data.onClose(1006, "");
  }

  cork(callback: () => void): void {
    this.#isCorked = true;
    callback();
    this.#isCorked = false;
  }

  getBufferedAmount(): number {
    return this.waitingBytes;
  }
}
