/** The messages between the run and its processes, over their IPC channels. */

/** Tells a server process on which addresses and on which port to listen. */
export interface ServeOrder {
  readonly ask: "serve";
  readonly port: number;
  readonly addresses: readonly string[];
}

/** An order to a server process. */
export type ServerOrder = ServeOrder | { readonly ask: "state" };

export interface ServerState {
  readonly kind: "state";
  /** The WebSockets that are open. */
  readonly open: number;
  /** The heap in use, after a garbage collection. */
  readonly heapBytes: number;
  /** The longest delay of the event loop since the process started. */
  readonly longestDelayMs: number;
}

/** An answer of a server process. */
export type ServerAnswer = { readonly kind: "listening" } | ServerState;

/** Tells a client process to open connections to some addresses in turn, and to keep them open. */
export interface OpenOrder {
  readonly ask: "open";
  readonly port: number;
  readonly addresses: readonly string[];
  readonly connections: number;
}

/** An order to a client process. */
export type ClientOrder =
  | OpenOrder
  /** The servers will be killed. Starts to count attempts and errors again from zero. */
  | { readonly ask: "expect-drop" }
  | { readonly ask: "report" };

/** Sent by a client process several times a second. */
export interface ClientCount {
  readonly kind: "count";
  readonly open: number;
  /** The connections that have been lost since `expect-drop`. Each counts once. */
  readonly lost: number;
  /** How many attempts failed with an error, by the code of the error. */
  readonly errors: Errors;
}

/** Numbers of errors, by their codes. */
export type Errors = Readonly<Record<string, number>>;

/** The connections of a client process since `expect-drop`. */
export interface ClientReport {
  readonly kind: "report";
  /** When each client reconnected, by the wall clock. */
  readonly reconnectedAtMs: readonly number[];
  /** The attempts that each connection needed. */
  readonly attempts: readonly number[];
  /** How many attempts failed with an error, by the code of the error. */
  readonly errors: Errors;
  /** How often a client lost its connection again after it had reconnected. */
  readonly lostAgain: number;
}

/** An answer of a client process. */
export type ClientAnswer = { readonly kind: "ready" } | ClientCount | ClientReport;
