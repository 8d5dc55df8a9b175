import type { Server } from "node:net";
import type { HttpRefusal } from "../../protocol/handshake/index.ts";
import type { ForwardedRequest, ProxyReader } from "../../server/requests/trust-proxy.ts";
import type { Peer } from "../../server/requests/upgrade-attempt.ts";
import { type RequestTarget, toTarget } from "./request-target.ts";

/** The properties of a client that trusted proxies report. */
export interface ForwardedClient {
  /** The host that the client asked for. */
  readonly host?: string;
  readonly forwardedAddress?: string;
}

/** Applies the header fields of trusted proxies to the requests of one server. */
export class ProxiedTargets {
  readonly #readProxies: ProxyReader | undefined;
  readonly #server: Pick<Server, "address">;
  /** Whether it is known that the server listens on a Unix socket. */
  #isLocal = false;

  /** @param readProxies undefined if no proxy is trusted */
  constructor(readProxies: ProxyReader | undefined, server: Pick<Server, "address">) {
    this.#readProxies = readProxies;
    this.#server = server;
  }

  /**
   * Returns the target that the client sent to the first trusted proxy. Without a trusted proxy, returns
   * `target`.
   */
  resolve<Target extends RequestTarget | HttpRefusal>(
    target: Target,
    rawHeaders: readonly string[],
    peer: Peer,
  ): Target | RequestTarget {
    if (this.#readProxies === undefined || !("url" in target)) return target;
    const forwarded = this.#read(rawHeaders, peer);
    if (forwarded === undefined) return target;
    const { remoteAddress: forwardedAddress, host, isSecure } = forwarded;
    const resolved = toTarget(host ?? target.host, target.path, isSecure ?? target.isSecure);
    if (!("url" in resolved)) return target;
    return forwardedAddress === undefined ? resolved : { ...resolved, forwardedAddress };
  }

  /**
   * Reads the client's properties from the header fields of trusted proxies, for a request with an invalid
   * target.
   */
  clientOf(rawHeaders: readonly string[], peer: Peer): ForwardedClient {
    const { host, remoteAddress } = this.#read(rawHeaders, peer) ?? {};
    if (host !== undefined && !("url" in toTarget(host, "/", false))) return {};
    return {
      ...(host !== undefined && host !== "" && { host }),
      ...(remoteAddress !== undefined && { forwardedAddress: remoteAddress }),
    };
  }

  #read(rawHeaders: readonly string[], peer: Peer): ForwardedRequest | undefined {
    const { remoteAddress } = peer;
    if (remoteAddress === undefined && !this.#isLocalPeer(peer)) return undefined;
    return this.#readProxies?.(rawHeaders, remoteAddress);
  }

  /** Whether the peer never had an address. A TCP connection has an address until it ends. */
  #isLocalPeer(peer: Peer): boolean {
    // A stream that is not a socket, as in tests, belongs to this process.
    if (!("remoteAddress" in peer)) return true;
    // A string is the path of a Unix socket. A server that no longer listens returns null.
    this.#isLocal ||= typeof this.#server.address() === "string";
    return this.#isLocal;
  }
}
