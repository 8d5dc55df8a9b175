/** The events of one client in order. Positions are in wire format: `epoch:offset`. */
export type ClientEvent =
  | {
      /** A connection has started, on which the client sent `since`. */
      readonly type: "subscribed";
      readonly since: string | undefined;
      readonly position: string;
      readonly recovered: boolean;
    }
  | { readonly type: "publication"; readonly position: string; readonly id: string }
  | { readonly type: "lost"; readonly position: string };

export interface ClientLog {
  readonly name: string;
  readonly topic: string;
  readonly events: readonly ClientEvent[];
}

/** A publication that was acknowledged to its publisher. */
export interface Acknowledgement {
  readonly topic: string;
  readonly id: string;
  readonly position: string;
}

/** Everything known about a run. At the end, its clients waited until nothing more arrived. */
export interface RunLog {
  readonly clients: readonly ClientLog[];
  readonly acknowledgements: readonly Acknowledgement[];
}
