interface Ping {
  readonly payload: Uint8Array;
  readonly sentMs: number;
}

/** Pings that nobody answers are forgotten, the oldest first. */
const MAX_PINGS = 8;

/** Measures how long pings are under way, by the pongs that answer them. */
export class LatencyMeter {
  /** Of the latest ping to be answered; undefined before the first. */
  latencyMs: number | undefined;
  #pings: Ping[] = [];

  /** A ping is being sent. */
  start(payload: Uint8Array, nowMs: number): void {
    if (this.#pings.length === MAX_PINGS) this.#pings.shift();
    this.#pings.push({ payload: payload.slice(), sentMs: nowMs });
  }

  /** A pong has come. RFC 6455 5.5.3: unless it answers a ping, it is there for reasons of its own. */
  stop(payload: Uint8Array, nowMs: number): void {
    const index = this.#pings.findLastIndex((ping) => areEqual(ping.payload, payload));
    if (index === -1) return;
    this.latencyMs = nowMs - this.#pings[index].sentMs;
    // RFC 6455 5.5.3: a peer may answer the latest of several pings alone.
    this.#pings = this.#pings.slice(index + 1);
  }
}

function areEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
