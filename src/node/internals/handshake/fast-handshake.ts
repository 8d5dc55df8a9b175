import type { Server } from "node:http";
import type { Socket } from "node:net";
import { ByteConnection } from "../../../connection/byte-connection.ts";
import type { Peer, UpgradeAccepted } from "../../../server/upgrade.ts";
import { nodeEnvironment } from "../../environment/connection-environment.ts";
import { acceptance, connectionOptions } from "../../http/http-upgrade.ts";
import { HttpUpgradeAttempt } from "../../http/http-upgrade-attempt.ts";
import type { Http1Listener } from "../../http/http1-listener.ts";
import type { ProxiedTargets } from "../../requests/proxied-targets.ts";
import { type RequestTarget, toTarget } from "../../requests/request-target.ts";
import { HandleTransport } from "../tcp/handle-transport.ts";
import type { TcpHandle } from "../tcp/stream-wrap.ts";
import { AcceptingServer } from "./accept-interceptor.ts";
import { Newcomer, type NewcomerHost } from "./pending-connection.ts";
import { type OpeningRequest, readOpeningRequest } from "./opening-request.ts";

/**
 * How long to wait for the first bytes, at most: most clients send them with the connection. A part of
 * the time for a handshake, which begins for the HTTP server when it is given the connection.
 */
const MAX_PATIENCE_MS = 500;
const PART_OF_TIMEOUT = 1 / 8;

/**
 * The first look at every connection of a server without TLS. One whose first bytes are the whole
 * request for a WebSocket, beyond doubt, is answered here, and `node:http` never hears of it: that
 * makes two handshakes of one in the same time (bench `handshake`), and an idle connection smaller by a
 * quarter (bench `idle`). Every other is given back to it unchanged, bytes and all, so that whatever is slow,
 * cut, unusual or malformed is treated as it has always been.
 */
export class FirstLook implements NewcomerHost {
  readonly #httpServer: Server;
  readonly #front: Http1Listener;
  readonly #targets: ProxiedTargets;
  readonly #server: AcceptingServer | undefined;
  readonly #onSocket: (socket: Socket) => void;
  readonly #patienceMs: number;
  readonly #newcomers = new Set<Newcomer>();
  /** What the latest was for. */
  #latestTarget: RequestTarget | undefined;
  /** The listeners of the server that are its own, or this package's. */
  readonly #listeners: readonly unknown[];

  /**
   * `httpServer` has just begun to listen, and has no listeners yet but those of its own and ours.
   * `onSocket` is told of the sockets that it does not hear of.
   */
  constructor(
    httpServer: Server,
    front: Http1Listener,
    targets: ProxiedTargets,
    onSocket: (socket: Socket) => void,
  ) {
    this.#httpServer = httpServer;
    this.#front = front;
    this.#targets = targets;
    this.#onSocket = onSocket;
    this.#server = AcceptingServer.intercept(httpServer, (handle) => this.#accept(handle));
    this.#listeners = listenersOf(httpServer);
    const { headersTimeout } = httpServer;
    this.#patienceMs = Math.min(MAX_PATIENCE_MS, headersTimeout * PART_OF_TIMEOUT);
  }

  /** Drops all those who have said nothing yet. */
  drop(): void {
    for (const newcomer of this.#newcomers) {
      newcomer.release();
      this.onGone(newcomer);
    }
  }

  onFirstBytes(newcomer: Newcomer, bytes: Buffer): void {
    this.#newcomers.delete(newcomer);
    const { handle } = newcomer;
    if (!this.#answer(handle, bytes)) this.#server!.giveBack(handle, bytes);
  }

  onSilence(newcomer: Newcomer): void {
    this.#newcomers.delete(newcomer);
    this.#server!.giveBack(newcomer.handle);
  }

  onGone(newcomer: Newcomer): void {
    this.#newcomers.delete(newcomer);
    newcomer.handle.close(this.#server!.forget);
  }

  #accept(handle: TcpHandle): boolean {
    if (!this.#isUnwatched()) return false;
    this.#newcomers.add(new Newcomer(handle, this, this.#patienceMs));
    return true;
  }

  /** Who listens to the HTTP server itself is to see all connections and all upgrades. */
  #isUnwatched(): boolean {
    const listeners = listenersOf(this.#httpServer);
    return (
      listeners.length === this.#listeners.length &&
      listeners.every((listener, index) => listener === this.#listeners[index])
    );
  }

  /** Answers an opening handshake; false if this is none, or somebody else's to answer. */
  #answer(handle: TcpHandle, bytes: Buffer): boolean {
    if (!this.#isUnwatched() || this.#front.isStopping) return false;
    const request = readOpeningRequest(bytes);
    if (request === undefined) return false;
    const direct = this.#targetOf(request);
    if (direct === undefined) return false;
    const server = this.#server!;
    const { rawHeaders, offer, rest } = request;
    const peer = new HandlePeer(handle);
    const target = this.#targets.resolve(direct, rawHeaders, peer);
    const attempt = new HttpUpgradeAttempt(rawHeaders, offer, peer, target);
    const decision = this.#front.decide(attempt);
    if (!(decision instanceof Promise) && decision.kind === "accept") {
      accept(decision, attempt, handle, rest, server.forget);
      return true;
    }
    const socket = server.toSocket(handle);
    this.#onSocket(socket);
    this.#front.answer(attempt, decision, socket, rest);
    return true;
  }

  /** Thousands of clients in a row ask for the same: reading a URL takes as long as the whole head. */
  #targetOf({ host, path }: OpeningRequest): RequestTarget | undefined {
    const latest = this.#latestTarget;
    if (latest?.host === host && latest.path === path) return latest;
    const target = toTarget(host, path, false);
    if (!("url" in target)) return undefined;
    this.#latestTarget = target;
    return target;
  }
}

/** Whoever hears of connections and of upgrades. */
function listenersOf(httpServer: Server): readonly unknown[] {
  return [...httpServer.rawListeners("connection"), ...httpServer.rawListeners("upgrade")];
}

/** The peer of a connection that has no socket. */
class HandlePeer implements Peer {
  readonly #handle: TcpHandle;

  constructor(handle: TcpHandle) {
    this.#handle = handle;
  }

  get remoteAddress(): string | undefined {
    const found: { address?: string } = {};
    this.#handle.getpeername(found);
    return found.address;
  }
}

function accept(
  decision: UpgradeAccepted,
  attempt: HttpUpgradeAttempt,
  handle: TcpHandle,
  head: Uint8Array,
  onGone: () => void,
): void {
  const transport = new HandleTransport(handle, onGone);
  // A connection that begins with a head begins to read only behind it.
  if (head.byteLength > 0) transport.pause();
  transport.writeHead(acceptance(decision, attempt));
  decision.open(new ByteConnection(nodeEnvironment, transport, connectionOptions(decision, head)));
}
