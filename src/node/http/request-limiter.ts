import type { Server } from "node:http";

/** Limits the unanswered requests of a connection before they are parsed. */
export interface RequestLimiter {
  /** Limits them on each new connection of `httpServer`. Returns a function that stops this. */
  limit(httpServer: Server): () => void;
}

/** Limits nothing: excess requests get 503 after they are parsed. */
export const noRequestLimiter: RequestLimiter = { limit: () => () => {} };
