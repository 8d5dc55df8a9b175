import type { Refusal, RefusalReason } from "./refusals.ts";

/** The argument of `authorize`. Annotate the parameter with this type, so that TypeScript can infer the state. */
export interface AuthorizeRequest {
  /** The credentials of the client, from its option `auth`: any JSON value. Validate it. */
  readonly auth: unknown;
  /** The request of the opening handshake, with its cookies and headers. */
  readonly request: Request;
  /** The IP address of the client. See `trustProxy` of the server. */
  readonly remoteAddress: string;
  /** The state that `authorize` of the route returned, if the route has one. */
  readonly route: unknown;
}

/** A result of `authorize`: the state of the session, or a refusal. Any other value refuses the client. */
export type SessionAuthorization<State> =
  | {
      /** The state for rules and handlers: any value except `undefined`, `null` and `false`. */
      readonly state: State;
      /**
       * When the client must send fresh credentials, in milliseconds since 1970. The client sends them some
       * time before. Default: never.
       */
      readonly expiresAtMs?: number | undefined;
    }
  | Refusal;

/** The session of a client that is connected to this server. */
export interface ChannelSession<State> {
  /** Identifies the client. The same after a reconnect of the client, on any server. */
  readonly id: string;
  /** The state that `authorize` returned. Fresh credentials replace it. */
  readonly state: State;
  /**
   * Closes the connection. After `"unauthorized"` (3000) the client asks once for other credentials. After
   * `"forbidden"` (3003) it ends.
   */
  close(reason: RefusalReason): void;
}
