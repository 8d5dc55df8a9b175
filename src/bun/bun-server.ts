/// <reference types="node" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
import { DeadlineTask } from "../node/requests/deadline-task.ts";
import { shutdownRefusal } from "../node/requests/refused-requests.ts";
import type { ListenPlace } from "../node/serve/listen.ts";
import type { OpenSockets, Server } from "../node/serve/running-server.ts";
import { serverUrl } from "../node/serve/server-url.ts";
import { resolveStopOptions, type StopOptions } from "../node/serve/stop-options.ts";
import type { Application } from "../server/application.ts";
import type { BunHttpServer } from "./bun-api.ts";
import type { FetchListener } from "./fetch-listener.ts";

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
    await Promise.all([this.#server.stop(), this.#application.sockets.whenIdle()]);
  }

  #drop(): void {
    for (const socket of this.#application.sockets) socket.terminate();
    void this.#server.stop(true);
  }
}
