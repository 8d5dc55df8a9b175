/// <reference types="node" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
import { wheel } from "../node/environment/timers.ts";
import { DeadlineTask } from "../node/requests/deadline-task.ts";
import { shutdownRefusal } from "../node/requests/refused-requests.ts";
import type { ListenPlace } from "../node/serve/listen.ts";
import type { OpenSockets, Server } from "../node/serve/running-server.ts";
import { serverUrl } from "../node/serve/server-url.ts";
import { resolveStopOptions, type StopOptions } from "../node/serve/stop-options.ts";
import type { Application } from "../server/application.ts";
import type { BunHttpServer } from "./bun-api.ts";
import type { FetchListener } from "./fetch-listener.ts";

const POLL_MS = 100;

/** A running server: the result of `serve`. It has no `httpServer`, because it does not use `node:http`. */
export interface BunServer extends Omit<Server, "httpServer" | "path"> {}

/** The server that `serve` returns. */
export class NativeServer implements BunServer {
  readonly url: string;
  readonly port: number;
  readonly sockets: OpenSockets;
  readonly #server: BunHttpServer;
  readonly #application: Application;
  readonly #listener: FetchListener;
  #shutdown: DeadlineTask | undefined;

  constructor(
    server: BunHttpServer,
    application: Application,
    listener: FetchListener,
    place: ListenPlace,
    isSecure: boolean,
  ) {
    this.port = server.port;
    this.url = serverUrl(place, server.port, isSecure);
    this.sockets = application.sockets;
    this.#server = server;
    this.#application = application;
    this.#listener = listener;
  }

  async stop(options?: StopOptions): Promise<void> {
    const plan = resolveStopOptions(options);
    this.#listener.stop(shutdownRefusal(plan.timeoutMs));
    this.#application.shutdown.start(plan);
    this.#shutdown ??= new DeadlineTask(this.#close(), () => this.#drop());
    this.#shutdown.setDeadline(plan.timeoutMs);
    await this.#shutdown.done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Stops listening. Resolves when all requests, sockets and handlers have ended. */
  async #close(): Promise<void> {
    const stopped = this.#server.stop();
    await Promise.all([this.#whenAnswered(), this.#application.sockets.whenIdle()]);
    // Otherwise, Bun would wait for clients that have sent a part of a request.
    void this.#server.stop(true);
    await stopped;
  }

  /** Resolves when Bun has sent all responses, and all WebSockets have ended. Bun has no event for this. */
  async #whenAnswered(): Promise<void> {
    while (this.#server.pendingRequests + this.#server.pendingWebSockets > 0) {
      await new Promise<void>((resolve) => void wheel.start(POLL_MS, resolve));
    }
  }

  #drop(): void {
    for (const socket of this.#application.sockets) socket.terminate();
    void this.#server.stop(true);
  }
}
