interface Ping {
  readonly payload: Uint8Array;
  readonly sentMs: number;
}

/** How many unanswered pings are remembered. */
const MAX_PINGS = 8;

/** Measures the round trip time of pings. */
export class LatencyMeter {
  /** The round trip time of the latest ping that was answered; undefined before the first. */
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
    // RFC 6455 5.5.3: a peer may answer the latest of several pings alone.
    this.#pings = this.#pings.slice(index + 1);
  }
}

function areEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
