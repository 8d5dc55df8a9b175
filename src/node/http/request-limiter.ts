import type { Server } from "node:http";

/** Limits how many unanswered requests of a connection are parsed. */
export interface RequestLimiter {
  /** Limits the requests on each new connection of `httpServer`. Returns a function that stops limiting. */
  limit(httpServer: Server): () => void;
}

/** Limits nothing: excess requests get 503 after they are parsed. */
export const noRequestLimiter: RequestLimiter = { limit: () => () => {} };
