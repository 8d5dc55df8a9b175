/// <reference types="node" preserve="true" />
import { Duplex } from "node:stream";
import { clock, inNextTurn } from "../node/environment/timers.ts";
import { UsageError } from "../errors/index.ts";
import { checkNames, shown } from "../server/options.ts";

/** How a link transports bytes. */
export interface LinkOptions {
  /** How long each piece takes, in milliseconds. Default 0, which is the next turn of the event loop. */
  readonly latencyMs?: number;
  /** The most bytes in one piece; 1 splits at every byte. Default 65,536. */
  readonly maxChunkBytes?: number;
  /** The most bytes in transit in one direction, beyond which the writer must wait. Default 65,536. */
  readonly bufferBytes?: number;
}

/**
 * A byte connection in memory, like TCP: what is written at one end arrives at the other, in order. You can
 * cause faults on it.
 */
export class MemoryLink {
  /** The client's end, a Node stream. It emits `connect` once. */
  readonly client: Duplex;
  /** The server's end, a Node stream. */
  readonly server: Duplex;
  readonly #ends: readonly [LinkEnd, LinkEnd];

  /** @throws UsageError `INVALID_OPTION` */
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

  /** Stops both directions without an error, like a cable that is pulled out. */
  stall(): void {
    for (const end of this.#ends) end.stall();
  }

  /** Ends a stall. What was written meanwhile arrives. */
  resume(): void {
    for (const end of this.#ends) end.unstall();
  }

  /** Ends both directions with ECONNRESET. Bytes in transit are lost. */
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

/** The end of the bytes. */
const FIN = Symbol("FIN");

/** Bytes that were written at once, or the end, and when they arrive. */
interface InTransit {
  content: Uint8Array | typeof FIN;
  readonly dueMs: number;
}

/** One end of a link. It holds the bytes that are in transit to it. */
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
  /** Lets the writer at the other end continue. */
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
    // The other end sees the end of the bytes, as over TCP.
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

  /** Delivers what is in transit, a turn or the latency later, while the reader wants it. */
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
  throw new UsageError(
    "INVALID_OPTION",
    `${name} ${shown(value)} is not a number from ${least} on`,
  );
}

/** @throws UsageError `INVALID_OPTION` unless `options` is an object */
export function checkRecord(where: string, options: unknown): void {
  if (typeof options === "object" && options !== null && !Array.isArray(options)) return;
  throw new UsageError(
    "INVALID_OPTION",
    `${where}: the options are ${shown(options)}, not an object`,
  );
}
