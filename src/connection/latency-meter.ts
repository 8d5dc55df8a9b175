interface Ping {
  readonly payload: Uint8Array;
  readonly sentMs: number;
}

/** The maximum number of unanswered pings that are remembered. */
const MAX_PINGS = 8;

/** Measures the round-trip time of pings. */
export class LatencyMeter {
  /** The round-trip time of the latest answered ping; undefined before the first answer. */
  latencyMs: number | undefined;
  #pings: Ping[] = [];

  /** Records that a ping is sent. */
  start(payload: Uint8Array, nowMs: number): void {
    if (this.#pings.length === MAX_PINGS) this.#pings.shift();
    this.#pings.push({ payload: payload.slice(), sentMs: nowMs });
  }

  /** Records that a pong has arrived. RFC 6455 5.5.3: unsolicited pongs are ignored. */
  stop(payload: Uint8Array, nowMs: number): void {
    const index = this.#pings.findLastIndex((ping) => areEqual(ping.payload, payload));
    if (index === -1) return;
    this.latencyMs = nowMs - this.#pings[index].sentMs;
    // RFC 6455 5.5.3: a peer may answer only the latest of several pings.
    this.#pings = this.#pings.slice(index + 1);
  }
}

function areEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
