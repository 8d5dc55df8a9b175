/// <reference types="node" preserve="true" />
import { Duplex } from "node:stream";
import { clock, inNextTurn } from "../node/environment/timers.ts";
import { UsageError } from "../errors/index.ts";
import { checkNames } from "../server/options.ts";

/** How a link carries bytes. */
export interface LinkOptions {
  /** How long every piece is under way, in milliseconds; default 0: until the next turn. */
  readonly latencyMs?: number;
  /** The most bytes that arrive in one piece; 1 splits at every byte. Default 65,536. */
  readonly maxChunkBytes?: number;
  /** How many bytes may be under way one way before the writer has to wait; default 65,536. */
  readonly bufferBytes?: number;
}

/**
 * A connection of bytes in memory: what is written at one end arrives at the other, in order, as it
 * would over TCP. It can be made to misbehave.
 */
export class MemoryLink {
  /** The ends, as Node streams. The client's emits `connect` once. */
  readonly client: Duplex;
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

  /** Nothing arrives any more, either way, and nobody is told: a cable pulled out. */
  stall(): void {
    for (const end of this.#ends) end.stall();
  }

  /** Ends a stall: what was written meanwhile arrives. */
  resume(): void {
    for (const end of this.#ends) end.unstall();
  }

  /** Breaks the link at both ends with ECONNRESET; what is under way is lost. */
  reset(): void {
    for (const end of this.#ends) {
      end.destroy(Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" }));
    }
  }
}

/** @throws UsageError `INVALID_OPTION` */
export function checkLinkOptions(options: LinkOptions): void {
  checkNames("MemoryNetwork", options, ["latencyMs", "maxChunkBytes", "bufferBytes"]);
  checkAtLeast(0, "latencyMs", options.latencyMs);
  checkAtLeast(1, "maxChunkBytes", options.maxChunkBytes);
  checkAtLeast(1, "bufferBytes", options.bufferBytes);
}

/** Stands for the end of the bytes among them. */
const FIN = Symbol("FIN");

/** What was written at once, and when it arrives. */
interface Parcel {
  content: Uint8Array | typeof FIN;
  readonly dueMs: number;
}

/** One end of a link; it holds the bytes that are on their way to it. */
class LinkEnd extends Duplex {
  readonly #latencyMs: number;
  readonly #maxChunkBytes: number;
  readonly #bufferBytes: number;
  #peer: LinkEnd | undefined;
  readonly #underWay: Parcel[] = [];
  #underWayBytes = 0;
  #isStalled = false;
  #isDelivering = false;
  /** Whether the reader has asked for more since it last had enough. */
  #isWanted = false;
  /** Lets the writer at the other end go on. */
  #onRoom: (() => void) | undefined;

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
    // What a vanished peer had not read is an error at this end, as over TCP.
    if (!peer.destroyed && !peer.readableEnded) inNextTurn(() => peer.#loseThePeer());
    this.#onRoom?.();
    callback(error);
  }

  #loseThePeer(): void {
    if (this.#underWay.at(-1)?.content !== FIN) this.#accept(FIN, () => {});
  }

  #accept(content: Parcel["content"], onTaken: () => void): void {
    if (this.destroyed) {
      onTaken();
      return;
    }
    this.#underWay.push({ content, dueMs: clock.nowMs() + this.#latencyMs });
    if (content !== FIN) this.#underWayBytes += content.length;
    if (this.#underWayBytes < this.#bufferBytes) onTaken();
    else this.#onRoom = onTaken;
    this.#deliver();
  }

  /** Hands over what is under way, a turn or the latency later, for as long as it is wanted. */
  #deliver(): void {
    if (this.#isDelivering || this.#isStalled || this.#underWay.length === 0) return;
    const [{ content, dueMs }] = this.#underWay;
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
    while (wantsMore && this.#underWay.length > 0 && this.#underWay[0].dueMs <= nowMs) {
      wantsMore = this.#deliverPiece(this.#underWay[0]);
      this.#isWanted = wantsMore;
    }
    this.#deliver();
  };

  /** Whether more is wanted. */
  #deliverPiece(parcel: Parcel): boolean {
    const { content } = parcel;
    if (content === FIN) {
      this.#underWay.shift();
      return this.push(null);
    }
    const piece = content.subarray(0, this.#maxChunkBytes);
    if (piece.length === content.length) this.#underWay.shift();
    else parcel.content = content.subarray(piece.length);
    this.#underWayBytes -= piece.length;
    if (this.#underWayBytes < this.#bufferBytes) {
      const onRoom = this.#onRoom;
      this.#onRoom = undefined;
      onRoom?.();
    }
    return this.push(piece);
  }
}

function checkAtLeast(least: number, name: string, value: number | undefined): void {
  if (value === undefined || value >= least) return;
  throw new UsageError("INVALID_OPTION", `${name} ${value} is not a number from ${least} on`);
}
