import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import type { ServerEnvironment } from "../../server/application.ts";
import { logUnusedFastPath } from "../environment/debug-log.ts";
import { inNextTurn } from "../environment/timers.ts";
import { readVariable } from "../environment/variables.ts";
import {
  type HandshakeInterceptor,
  noHandshakeInterceptor,
} from "../http/handshake-interceptor.ts";
import { noRequestLimiter, type RequestLimiter } from "../http/request-limiter.ts";
import { plainFetch } from "../requests/fetch-accelerator.ts";
import type { RequestEnvironment } from "../requests/request-environment.ts";
import type { TcpEnvironment } from "../tcp/open-connection.ts";
import { ALLOWS_FAST_PATHS } from "./fast-paths.ts";
import { fastServer } from "./fast-server.ts";
import { fastEnvironment, plainEnvironment } from "./tcp-environments.ts";

/** The environment of a server on Node.js. */
export interface ServeEnvironment extends RequestEnvironment {
  readonly server: ServerEnvironment;
  readonly requestLimiter: RequestLimiter;
  readonly handshakes: HandshakeInterceptor;
}

/**
 * @param fastPaths whether to use undocumented Node.js APIs, unless `TIDEWAY_FAST_PATHS` forbids it
 */
export function serveEnvironment(fastPaths: boolean): ServeEnvironment {
  if (fastPaths) return FAST;
  logUnusedFastPath("all of one server", "its option fastPaths is false");
  return PLAIN;
}

const PLAIN: ServeEnvironment = {
  connections: plainEnvironment,
  server: serverEnvironment(plainEnvironment),
  fetch: plainFetch,
  requestLimiter: noRequestLimiter,
  handshakes: noHandshakeInterceptor,
};

const FAST: ServeEnvironment =
  fastServer === undefined || !ALLOWS_FAST_PATHS
    ? PLAIN
    : {
        connections: fastEnvironment,
        server: serverEnvironment(fastEnvironment),
        fetch: fastServer.fetch,
        requestLimiter: fastServer.requestLimiter,
        handshakes: fastServer.handshakes,
      };

function serverEnvironment({ wheel, deflateCodec, log }: TcpEnvironment): ServerEnvironment {
  return {
    wheel,
    deflateCodec,
    log,
    inNextTurn,
    random: Math.random,
    captureAsyncContext() {
      const inContext = AsyncLocalStorage.snapshot();
      // Up to Node.js 22, the stores of an AsyncLocalStorage are kept on async resources. With a shared
      // resource, `enterWith` in one call would change the store of all later calls.
      return (callback) =>
        inContext(() => new AsyncResource("TidewayCallback").runInAsyncScope(callback));
    },
    isProduction: () => readVariable("NODE_ENV") === "production",
  };
}
