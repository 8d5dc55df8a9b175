import { Duplex } from "node:stream";

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

  constructor(options: LinkOptions = {}) {
    const client = new LinkEnd(options);
    const server = new LinkEnd(options);
    client.connectTo(server);
    server.connectTo(client);
    this.client = client;
    this.server = server;
    this.#ends = [client, server];
    setImmediate(() => client.destroyed || client.emit("connect"));
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

/** Stands for the end of the bytes among them. */
const FIN = Symbol("FIN");

/** One end of a link; it holds the bytes that are on their way to it. */
class LinkEnd extends Duplex {
  readonly #latencyMs: number;
  readonly #maxChunkBytes: number;
  readonly #bufferBytes: number;
  #peer: LinkEnd | undefined;
  #underWay: Array<Uint8Array | typeof FIN> = [];
  #underWayBytes = 0;
  #isStalled = false;
  #isDelivering = false;
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
    this.#deliver();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    const peer = this.#peer!;
    // What a vanished peer had not read is an error at this end, as over TCP.
    if (!peer.destroyed && !peer.readableEnded) setImmediate(() => peer.#loseThePeer());
    this.#onRoom?.();
    callback(error);
  }

  #loseThePeer(): void {
    if (!this.#underWay.includes(FIN)) this.#accept(FIN, () => {});
  }

  #accept(item: Uint8Array | typeof FIN, onTaken: () => void): void {
    if (this.destroyed) {
      onTaken();
      return;
    }
    if (item === FIN) this.#underWay.push(FIN);
    else {
      this.#underWay.push(...split(item, this.#maxChunkBytes));
      this.#underWayBytes += item.length;
    }
    if (this.#underWayBytes < this.#bufferBytes) onTaken();
    else this.#onRoom = onTaken;
    this.#deliver();
  }

  /** Hands over what is under way, a turn or the latency later, for as long as it is wanted. */
  #deliver(): void {
    if (this.#isDelivering || this.#isStalled || this.#underWay.length === 0) return;
    this.#isDelivering = true;
    const step = (): void => {
      this.#isDelivering = false;
      if (this.#isStalled || this.destroyed) return;
      let wantsMore = true;
      while (wantsMore && this.#underWay.length > 0) wantsMore = this.#deliverPiece();
    };
    if (this.#latencyMs > 0) setTimeout(step, this.#latencyMs);
    else setImmediate(step);
  }

  #deliverPiece(): boolean {
    const piece = this.#underWay.shift()!;
    if (piece === FIN) return this.push(null);
    this.#underWayBytes -= piece.length;
    if (this.#underWayBytes < this.#bufferBytes) {
      const onRoom = this.#onRoom;
      this.#onRoom = undefined;
      onRoom?.();
    }
    return this.push(piece);
  }
}

function split(bytes: Uint8Array, maxBytes: number): Uint8Array[] {
  if (bytes.length <= maxBytes) return [bytes];
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += maxBytes) pieces.push(bytes.slice(at, at + maxBytes));
  return pieces;
}
