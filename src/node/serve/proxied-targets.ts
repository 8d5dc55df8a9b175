import type { Server } from "node:net";
import type { ProxyReader } from "../../server/trust-proxy.ts";
import { type RequestTarget, type TargetRefusal, toTarget } from "./request-target.ts";
import type { Peer } from "../../server/upgrade.ts";

/** Applies to requests of one server what trusted proxies say of them. */
export class ProxiedTargets {
  readonly #readProxies: ProxyReader | undefined;
  readonly #server: Pick<Server, "address">;
  #isLocal = false;

  /** Without `readProxies`, no proxy is trusted. */
  constructor(readProxies: ProxyReader | undefined, server: Pick<Server, "address">) {
    this.#readProxies = readProxies;
    this.#server = server;
  }

  /** The target as the client named it to the first trusted proxy; `target` itself without one. */
  resolve<Target extends RequestTarget | TargetRefusal>(
    target: Target,
    rawHeaders: readonly string[],
    peer: Peer,
  ): Target | RequestTarget {
    if (this.#readProxies === undefined || !("url" in target)) return target;
    const { remoteAddress: peerAddress } = peer;
    if (peerAddress === undefined && !this.#isLocalPeer(peer)) return target;
    const forwarded = this.#readProxies(rawHeaders, peerAddress);
    if (forwarded === undefined) return target;
    const { remoteAddress, host = target.host, isSecure = target.isSecure } = forwarded;
    const resolved = toTarget(host, target.path, isSecure);
    if (!("url" in resolved)) return target;
    return { ...resolved, ...(remoteAddress !== undefined && { forwardedAddress: remoteAddress }) };
  }

  /** Whether a peer without an address never had one; a TCP connection loses it when it ends. */
  #isLocalPeer(peer: Peer): boolean {
    // A stream that is not a socket, as in tests, comes from the same process.
    if (!("remoteAddress" in peer)) return true;
    // The name of a Unix socket; a server that has stopped listening does not tell any more.
    this.#isLocal ||= typeof this.#server.address() === "string";
    return this.#isLocal;
  }
}
