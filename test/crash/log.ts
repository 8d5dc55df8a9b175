/** What one client has seen, in order. Positions are as on the wire: `epoch:offset`. */
export type ClientEvent =
  | {
      /** A connection has begun, which the client asked to go on from `since`. */
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

/** A publication of which a publisher was told that it is stored. */
export interface Acknowledgement {
  readonly topic: string;
  readonly id: string;
  readonly position: string;
}

/** All that is known of a run, whose clients were left alone at the end until nothing more came. */
export interface RunLog {
  readonly clients: readonly ClientLog[];
  readonly acknowledgements: readonly Acknowledgement[];
}
