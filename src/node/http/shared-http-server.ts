import { EventEmitter } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { ShutdownPlan } from "../../server/socket/shutdown.ts";
import type { Http1Listener } from "./http1-listener.ts";
import { asksForWebSocket, ignoreUpgrades } from "./ignore-upgrade.ts";
import { noRequestLimiter, type RequestLimiter } from "./request-limiter.ts";
import { RequestQueue } from "./request-queue.ts";

/** Calls the method that an override replaced, on `self`. */
type InnerMethod<Args extends unknown[], Result> = (self: object, args: Args) => Result;

type RequestArgs = [request: IncomingMessage, response: ServerResponse];
type UpgradeArgs = [request: IncomingMessage, socket: Duplex, head: Buffer];
type EmitArgs = [event: string | symbol, ...args: unknown[]];
type InnerEmit = InnerMethod<EmitArgs, boolean>;
type SharedEvent = "request" | "upgrade";

/**
 * An HTTP server that attached applications share with other listeners.
 *
 * A listener cannot hide an event from later listeners. Therefore this class overrides `emit` of
 * the server: a request or upgrade for a route goes only to the application of the route. All others go
 * to the other listeners, which stay registered. If there are none at that moment, an application
 * refuses the request.
 */
export class SharedHttpServer {
  readonly #httpServer: Server;
  /** How sockets are closed when the HTTP server is closed. */
  readonly #shutdownPlan: ShutdownPlan;
  readonly #restore: ReadonlyArray<() => void>;
  /** Undefined before the first application. */
  #limiter: RequestLimiter | undefined;
  #stopLimiting: () => void = () => {};
  /** The applications that answer requests. The application that was attached last is first. */
  #serving: readonly Http1Listener[] = [];
  /** The applications that are stopping: they refuse requests that would otherwise get no answer. */
  #stopping: readonly Http1Listener[] = [];
  /** Whether our listener was the only one when it was last registered. */
  readonly #wasOnlyListener: Record<SharedEvent, boolean>;

  /** Returns the only object of this class for `httpServer`. */
  static of(httpServer: Server, shutdownPlan: ShutdownPlan): SharedHttpServer {
    let shared = sharedServers.get(httpServer);
    if (shared === undefined) {
      shared = new SharedHttpServer(httpServer, shutdownPlan);
      sharedServers.set(httpServer, shared);
    }
    return shared;
  }

  private constructor(httpServer: Server, shutdownPlan: ShutdownPlan) {
    this.#httpServer = httpServer;
    this.#shutdownPlan = shutdownPlan;
    this.#wasOnlyListener = {
      request: httpServer.listenerCount("request") === 0,
      upgrade: httpServer.listenerCount("upgrade") === 0,
    };
    httpServer.on("request", this.#onRequest);
    httpServer.on("upgrade", this.#onUpgrade);
    httpServer.on("newListener", this.#onNewListener);
    this.#restore = [
      ignoreUpgrades(
        httpServer,
        (request) =>
          !asksForWebSocket(request) &&
          (this.#applicationFor(request) !== undefined || !this.#hasOtherListeners("upgrade")),
      ),
      overrideMethod<EmitArgs, boolean>(httpServer, "emit", (self, args, inner) =>
        this.#take(args, inner) ? true : inner(self, args),
      ),
      overrideMethod<unknown[], unknown>(httpServer, "close", (self, args, inner) => {
        const result = inner(self, args);
        // `close` of the HTTP server waits for WebSockets but does not close them.
        for (const application of this.#serving) void application.stop(this.#shutdownPlan);
        return result;
      }),
    ];
  }

  add(application: Http1Listener, limiter: RequestLimiter): void {
    this.#serving = [application, ...this.#serving];
    this.#limitRequests(limiter);
  }

  /** Stops sending requests to `application`; other listeners get them. */
  beginStop(application: Http1Listener): void {
    if (!this.#serving.includes(application)) return;
    this.#serving = this.#serving.filter((other) => other !== application);
    this.#stopping = [...this.#stopping, application];
  }

  /** Removes `application`, for which `beginStop` was called. When none is left, restores the HTTP server. */
  remove(application: Http1Listener): void {
    this.#stopping = this.#stopping.filter((other) => other !== application);
    if (this.#serving.length + this.#stopping.length > 0) return;
    if (sharedServers.get(this.#httpServer) !== this) return;
    sharedServers.delete(this.#httpServer);
    this.#httpServer.off("request", this.#onRequest);
    this.#httpServer.off("upgrade", this.#onUpgrade);
    this.#httpServer.off("newListener", this.#onNewListener);
    this.#stopLimiting();
    for (const restore of this.#restore) restore();
  }

  /** All connections of the server share a limiter. Applications that ask for different ones get none. */
  #limitRequests(limiter: RequestLimiter): void {
    if (limiter === this.#limiter) return;
    this.#stopLimiting();
    this.#limiter = this.#limiter === undefined ? limiter : noRequestLimiter;
    this.#stopLimiting = this.#limiter.limit(this.#httpServer);
  }

  /**
   * Passes an event to an application, if an application answers it. Then no other listener may get the
   * event.
   */
  #take(args: EmitArgs, inner: InnerEmit): boolean {
    switch (args[0]) {
      case "request":
        return this.#takeRequest(args, inner);
      case "checkContinue":
        return this.#takeExpectation(args, inner, (response) => response.writeContinue());
      case "checkExpectation":
        // As `node:http` does without a listener for this event.
        return this.#takeExpectation(args, inner, (response) => response.writeHead(417).end());
      case "upgrade":
        return this.#takeUpgrade(args, inner);
      case "connection":
      case "secureConnection":
        // Without a listener, `node:http` emits no upgrades. Other code may have removed ours.
        if (this.#httpServer.listenerCount("upgrade") === 0) {
          this.#httpServer.on("upgrade", this.#onUpgrade);
        }
        return false;
      case "listening":
        for (const application of this.#serving) application.resume();
        return false;
      default:
        return false;
    }
  }

  #takeRequest(args: EmitArgs, inner: InnerEmit): boolean {
    const [request, response] = args.slice(1) as RequestArgs;
    RequestQueue.of(request.socket).add(response);
    if (isTaken(response)) return false;
    const application = this.#applicationFor(request) ?? this.#fallback("request", request);
    if (application === undefined) return false;
    callListener(inner, args, () => application.handleRequest(request, response));
    return true;
  }

  #takeExpectation(
    args: EmitArgs,
    inner: InnerEmit,
    answer: (response: ServerResponse) => void,
  ): boolean {
    const [request, response] = args.slice(1) as RequestArgs;
    RequestQueue.of(request.socket).add(response);
    const application = isTaken(response) ? undefined : this.#applicationFor(request);
    if (application === undefined) return false;
    answer(response);
    if (response.writableEnded) return true;
    callListener(inner, ["request", request, response], () =>
      application.handleRequest(request, response),
    );
    return true;
  }

  #takeUpgrade(args: EmitArgs, inner: InnerEmit): boolean {
    const [request, socket, head] = args.slice(1) as UpgradeArgs;
    const application =
      this.#applicationForUpgrade(request, socket) ?? this.#fallback("upgrade", request);
    if (application === undefined || !socket.writable) return false;
    callListener(inner, args, () => application.handleUpgrade(request, socket, head));
    return true;
  }

  /**
   * Runs for requests that the overridden `emit` has passed on to the listeners. Other code, such as
   * Socket.IO, may also remove this listener and call it directly.
   */
  readonly #onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    if (!this.#isDelegated("request") || isTaken(response)) return;
    RequestQueue.of(request.socket).add(response);
    const application = this.#applicationFor(request) ?? this.#refuserOf(request);
    application?.handleRequest(request, response);
  };

  /**
   * Like `#onRequest`. It also runs if other code, such as Fastify, calls the `emit` that it stored before
   * this class replaced it.
   */
  readonly #onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    if (!socket.writable) return;
    const application =
      this.#applicationForUpgrade(request, socket) ??
      (this.#isDelegated("upgrade") ? this.#refuserOf(request) : undefined);
    application?.handleUpgrade(request, socket, head);
  };

  readonly #onNewListener = (event: string | symbol): void => {
    if (event !== "request" && event !== "upgrade") return;
    if (this.#isRegistered(event)) this.#wasOnlyListener[event] = false;
  };

  #applicationFor(request: IncomingMessage): Http1Listener | undefined {
    return this.#serving.find((application) => application.hasRouteFor(request));
  }

  #applicationForUpgrade(request: IncomingMessage, socket: Duplex): Http1Listener | undefined {
    if (!socket.writable) return undefined;
    return asksForWebSocket(request)
      ? this.#serving.find((application) => application.hasWebSocketRouteFor(request))
      : this.#applicationFor(request);
  }

  /** The application that refuses a request without a route; undefined if other code listens. */
  #fallback(event: SharedEvent, request: IncomingMessage): Http1Listener | undefined {
    const hasOthers = this.#hasOtherListeners(event);
    if (this.#isRegistered(event)) this.#wasOnlyListener[event] = !hasOthers;
    return hasOthers ? undefined : this.#refuserOf(request);
  }

  #refuserOf(request: IncomingMessage): Http1Listener | undefined {
    return (
      this.#serving.find((application) => application.knowsPathOf(request)) ??
      this.#serving.at(0) ??
      this.#stopping.at(0)
    );
  }

  /** Whether this class must answer, because no other listener can. */
  #isDelegated(event: SharedEvent): boolean {
    return this.#isRegistered(event)
      ? this.#httpServer.listenerCount(event) === 1
      : this.#wasOnlyListener[event];
  }

  #hasOtherListeners(event: SharedEvent): boolean {
    const own = this.#listenerOf(event);
    return this.#httpServer.listeners(event).some((listener) => listener !== own);
  }

  #isRegistered(event: SharedEvent): boolean {
    return this.#httpServer.listeners(event).includes(this.#listenerOf(event));
  }

  #listenerOf(event: SharedEvent): (...args: never[]) => void {
    return event === "request" ? this.#onRequest : this.#onUpgrade;
  }
}

const sharedServers = new WeakMap<Server, SharedHttpServer>();

/** Whether other code has answered. */
function isTaken(response: ServerResponse): boolean {
  return response.headersSent || response.writableEnded;
}

/** Calls only `listener`, through `emit`, which tracing tools may have patched. */
function callListener(inner: InnerEmit, args: EmitArgs, listener: () => void): void {
  inner(new EventEmitter().on(args[0], listener), args);
}

/**
 * Replaces the method `name` of one object until the returned function is called. If other code has
 * wrapped the method again by then, the replacement stays and only calls the original method.
 */
function overrideMethod<Args extends unknown[], Result>(
  target: object,
  name: string,
  override: (self: object, args: Args, inner: InnerMethod<Args, Result>) => Result,
): () => void {
  const own = Object.getOwnPropertyDescriptor(target, name);
  let isActive = true;
  const inner: InnerMethod<Args, Result> = (self, args) => {
    // An inherited method is looked up at each call, because tracing may patch the class later.
    const holder: object =
      own === undefined ? Object.getPrototypeOf(target) : { [name]: own.value };
    return Reflect.apply(Reflect.get(holder, name), self, args);
  };
  function replacement(this: object, ...args: Args): Result {
    return isActive ? override(this, args, inner) : inner(this, args);
  }
  Object.defineProperty(target, name, { value: replacement, writable: true, configurable: true });
  return () => {
    isActive = false;
    if (Reflect.get(target, name) !== replacement) return;
    if (own === undefined) Reflect.deleteProperty(target, name);
    else Object.defineProperty(target, name, own);
  };
}
