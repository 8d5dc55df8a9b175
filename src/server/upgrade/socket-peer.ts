import type { RefusedPeer } from "../reports/refusal-reporter.ts";
import type { Peer, UpgradeAttempt } from "../requests/upgrade-attempt.ts";

/** The peer of an open socket. It uses little memory, because there may be many thousands. */
export class SocketPeer implements RefusedPeer {
  readonly host: string;
  readonly #origin: string | undefined;
  readonly #address: Peer;

  constructor(host: string, origin: string | undefined, address: Peer) {
    this.host = host;
    this.#origin = origin;
    this.#address = address;
  }

  get origins(): readonly string[] {
    return this.#origin === undefined ? [] : [this.#origin];
  }

  get remoteAddress(): string {
    return this.#address.remoteAddress ?? "";
  }
}

/** Creates the peers for the sockets of a route. */
export class SocketPeers {
  readonly #hosts = new RepeatedText();
  readonly #origins = new RepeatedText();

  of({ host, origins, peer }: UpgradeAttempt): SocketPeer {
    const origin = origins.length === 0 ? undefined : this.#origins.keep(origins.join(", "));
    return new SocketPeer(this.#hosts.keep(host), origin, peer);
  }
}

/** Shares one string between equal consecutive strings. */
class RepeatedText {
  #latest = "";

  keep(text: string): string {
    // A copy, because a substring would keep the whole request head in memory.
    if (text !== this.#latest) this.#latest = JSON.parse(JSON.stringify(text)) as string;
    return this.#latest;
  }
}
