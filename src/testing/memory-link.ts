/// <reference types="node" preserve="true" />
import { Duplex } from "node:stream";
import { checkNames, checkRecord, invalidOption } from "../errors/check-options.ts";
import { clock, inNextTurn } from "../node/environment/timers.ts";

/** The latency, chunk size and buffer of a {@link MemoryLink}. */
export interface LinkOptions {
  /** The latency in each direction, in milliseconds. Default: 0, which is the next turn of the event loop. */
  readonly latencyMs?: number;
  /** The maximum number of bytes in one chunk; 1 splits the bytes everywhere. Default: 65,536. */
  readonly maxChunkBytes?: number;
  /**
   * While at least this many bytes are in transit in one direction, the writer must wait. Default: 65,536.
   */
  readonly bufferBytes?: number;
}

/**
 * A connection in memory that behaves like a TCP connection: bytes that one end writes arrive at the other
 * end, in order. `stall` and `reset` simulate network faults.
 */
export class MemoryLink {
  /** The client's end, a stream of Node.js. It emits `connect` once. */
  readonly client: Duplex;
  /** The server's end, a stream of Node.js. */
  readonly server: Duplex;
  readonly #ends: readonly [LinkEnd, LinkEnd];

  /** Creates a link with two connected ends. @throws UsageError `INVALID_OPTION` */
  constructor(options: LinkOptions = {}) {
    checkLinkOptions(options);
    const client = new LinkEnd(options);
    const server = new LinkEnd(options);
    client.connectTo(server);
    server.connectTo(client);
    this.client = client;
    this.server = server;
    this.#ends = [client, server];
    inNextTurn(() => client.destroyed || client.emit("connect"));
  }

  /** Stops the transfer in both directions without an error, like an unplugged cable. */
  stall(): void {
    for (const end of this.#ends) end.stall();
  }

  /** Continues the transfer after `stall`. Bytes that were written during the stall arrive. */
  resume(): void {
    for (const end of this.#ends) end.unstall();
  }

  /** Breaks the connection: both ends get the error ECONNRESET, and bytes in transit are lost. */
  reset(): void {
    for (const end of this.#ends) {
      end.destroy(Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" }));
    }
  }
}

/** @throws UsageError `INVALID_OPTION` */
export function checkLinkOptions(options: LinkOptions): void {
  checkRecord("MemoryNetwork", options);
  checkNames("MemoryNetwork", options, ["latencyMs", "maxChunkBytes", "bufferBytes"]);
  checkAtLeast(0, "latencyMs", options.latencyMs);
  checkAtLeast(1, "maxChunkBytes", options.maxChunkBytes);
  checkAtLeast(1, "bufferBytes", options.bufferBytes);
}

/** Marks the end of the stream. */
const FIN = Symbol("FIN");

/** The bytes of one write, or the end of the stream, and the time at which they arrive. */
interface InTransit {
  content: Uint8Array | typeof FIN;
  readonly dueMs: number;
}

/** One end of a link. It contains the bytes in transit to this end. */
class LinkEnd extends Duplex {
  readonly #latencyMs: number;
  readonly #maxChunkBytes: number;
  readonly #bufferBytes: number;
  #peer: LinkEnd | undefined;
  readonly #transit: InTransit[] = [];
  #transitBytes = 0;
  #isStalled = false;
  #isDelivering = false;
  /** Whether the reader has asked for more bytes. */
  #isWanted = false;
  /** Tells the writer at the other end to continue. */
  #onDrained: (() => void) | undefined;

  constructor({ latencyMs = 0, maxChunkBytes = 65_536, bufferBytes = 65_536 }: LinkOptions) {
    super({ allowHalfOpen: true });
    this.#latencyMs = latencyMs;
    this.#maxChunkBytes = maxChunkBytes;
    this.#bufferBytes = bufferBytes;
  }

  connectTo(peer: LinkEnd): void {
    this.#peer = peer;
  }

  stall(): void {
    this.#isStalled = true;
  }

  unstall(): void {
    this.#isStalled = false;
    this.#deliver();
  }

  override _write(chunk: Uint8Array, _encoding: string, callback: () => void): void {
    this.#peer!.#accept(Uint8Array.from(chunk), callback);
  }

  override _final(callback: () => void): void {
    this.#peer!.#accept(FIN, callback);
  }

  override _read(): void {
    this.#isWanted = true;
    this.#deliver();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    const peer = this.#peer!;
    // As over TCP, the other end receives the end of the stream.
    if (!peer.destroyed && !peer.readableEnded) inNextTurn(() => peer.#endWithPeer());
    this.#onDrained?.();
    callback(error);
  }

  #endWithPeer(): void {
    if (this.#transit.at(-1)?.content !== FIN) this.#accept(FIN, () => {});
  }

  #accept(content: InTransit["content"], onTaken: () => void): void {
    if (this.destroyed) {
      onTaken();
      return;
    }
    this.#transit.push({ content, dueMs: clock.nowMs() + this.#latencyMs });
    if (content !== FIN) this.#transitBytes += content.length;
    if (this.#transitBytes < this.#bufferBytes) onTaken();
    else this.#onDrained = onTaken;
    this.#deliver();
  }

  /** Delivers the bytes in transit after the latency, or in the next turn, if the reader wants more. */
  #deliver(): void {
    if (this.#isDelivering || this.#isStalled || this.#transit.length === 0) return;
    const [{ content, dueMs }] = this.#transit;
    if (!this.#isWanted && content !== FIN) return;
    this.#isDelivering = true;
    const waitMs = dueMs - clock.nowMs();
    if (waitMs > 0) clock.schedule(this.#deliverDue, Math.ceil(waitMs), true);
    else inNextTurn(this.#deliverDue);
  }

  readonly #deliverDue = (): void => {
    this.#isDelivering = false;
    if (this.#isStalled || this.destroyed) return;
    const nowMs = clock.nowMs();
    let wantsMore = true;
    while (wantsMore && this.#transit.length > 0 && this.#transit[0].dueMs <= nowMs) {
      wantsMore = this.#deliverPiece(this.#transit[0]);
      this.#isWanted = wantsMore;
    }
    this.#deliver();
  };

  /** Returns whether the reader wants more. */
  #deliverPiece(item: InTransit): boolean {
    const { content } = item;
    if (content === FIN) {
      this.#transit.shift();
      return this.push(null);
    }
    const piece = content.subarray(0, this.#maxChunkBytes);
    if (piece.length === content.length) this.#transit.shift();
    else item.content = content.subarray(piece.length);
    this.#transitBytes -= piece.length;
    if (this.#transitBytes < this.#bufferBytes) {
      const onDrained = this.#onDrained;
      this.#onDrained = undefined;
      onDrained?.();
    }
    return this.push(piece);
  }
}

function checkAtLeast(least: number, name: string, value: unknown): void {
  if (value === undefined || (typeof value === "number" && value >= least)) return;
  throw invalidOption("MemoryNetwork", name, value, `a number, ${least} or more`);
}
