import type { Server } from "node:net";
import type { ProxyReader } from "../../server/trust-proxy.ts";
import { type RequestTarget, type TargetRefusal, toTarget } from "./request-target.ts";
import type { Peer } from "../../server/upgrade.ts";

function isRequestTarget(target: RequestTarget | TargetRefusal): target is RequestTarget {
  return "url" in target;
}

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

  /**
   * The target as the client named it to the first trusted proxy; `target` itself without one. A
   * refusal stays a refusal, with the host and the address that the proxy tells, for `onRefused`.
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

  /** Whether a peer without an address never had one; a TCP connection loses it when it ends. */
  #isLocalPeer(peer: Peer): boolean {
    // A stream that is not a socket, as in tests, comes from the same process.
    if (!("remoteAddress" in peer)) return true;
    // The name of a Unix socket; a server that has stopped listening does not tell any more.
    this.#isLocal ||= typeof this.#server.address() === "string";
    return this.#isLocal;
  }
}
