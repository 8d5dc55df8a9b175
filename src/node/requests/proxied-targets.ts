import type { Server } from "node:net";
import type { ProxyReader } from "../../server/trust-proxy.ts";
import { type RequestTarget, type TargetRefusal, toTarget } from "./request-target.ts";
import type { Peer } from "../../server/upgrade.ts";

function isRequestTarget(target: RequestTarget | TargetRefusal): target is RequestTarget {
  return "url" in target;
}

/** Applies the fields of trusted proxies to the requests of one server. */
export class ProxiedTargets {
  readonly #readProxies: ProxyReader | undefined;
  readonly #server: Pick<Server, "address">;
  #isLocal = false;

  /** @param readProxies undefined if no proxy is trusted */
  constructor(readProxies: ProxyReader | undefined, server: Pick<Server, "address">) {
    this.#readProxies = readProxies;
    this.#server = server;
  }

  /**
   * The target that the client sent to the first trusted proxy; without a proxy, `target`. A refusal
   * stays a refusal, with the proxy's host and address for `onRefused`.
   */
  resolve<Target extends RequestTarget | TargetRefusal>(
    target: Target,
    rawHeaders: readonly string[],
    peer: Peer,
  ): Target | RequestTarget {
    if (this.#readProxies === undefined) return target;
    const { remoteAddress: peerAddress } = peer;
    if (peerAddress === undefined && !this.#isLocalPeer(peer)) return target;
    const forwarded = this.#readProxies(rawHeaders, peerAddress);
    if (forwarded === undefined) return target;
    const { remoteAddress: forwardedAddress, host = target.host ?? "" } = forwarded;
    const isTarget = isRequestTarget(target);
    const { path, isSecure } = isTarget ? target : { path: "/", isSecure: false };
    const resolved = toTarget(host, path, forwarded.isSecure ?? isSecure);
    if (!isRequestTarget(resolved)) return target;
    return {
      ...(isTarget ? resolved : { ...target, ...(host !== "" && { host }) }),
      ...(forwardedAddress !== undefined && { forwardedAddress }),
    };
  }

  /** Whether the peer never had an address, unlike a TCP connection, which loses it when it ends. */
  #isLocalPeer(peer: Peer): boolean {
    // A stream that is not a socket, as in tests, belongs to this process.
    if (!("remoteAddress" in peer)) return true;
    // A string is the path of a Unix socket. A server that no longer listens returns null.
    this.#isLocal ||= typeof this.#server.address() === "string";
    return this.#isLocal;
  }
}
