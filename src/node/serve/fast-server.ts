import type { HandshakeInterceptor } from "../http/handshake-interceptor.ts";
import type { RequestLimiter } from "../http/request-limiter.ts";
import { fastHandshakes } from "../internals/handshake/fast-handshake.ts";
import { requestFeed } from "../internals/http/request-feed.ts";
import { fastFetch } from "../internals/requests/fast-fetch.ts";
import type { FetchAccelerator } from "../requests/fetch-accelerator.ts";

interface FastServer {
  readonly fetch: FetchAccelerator;
  readonly requestLimiter: RequestLimiter;
  readonly handshakes: HandshakeInterceptor;
}

/** The fast paths of servers, in addition to the fast paths of connections. */
export const fastServer: FastServer | undefined = {
  fetch: fastFetch,
  requestLimiter: requestFeed,
  handshakes: fastHandshakes,
};
