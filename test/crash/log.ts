/**
 * The events of one subscriber in order. Positions are in wire format: `epoch:offset`. The id of a publication
 * is unique in a run.
 */
export type ClientEvent =
  | {
      /** The subscriber starts, or continues after `since`. */
      readonly type: "subscribed";
      readonly since: string | undefined;
      readonly position: string;
      readonly recovered: boolean;
    }
  | { readonly type: "publication"; readonly position: string; readonly id: string }
  | { readonly type: "lost"; readonly position: string }
  /** The subscription ended with an error. It has the position of the last event. */
  | { readonly type: "failed"; readonly position: string; readonly code: string };

/** The events that one subscriber received. A client may have several subscribers. */
export interface ClientLog {
  readonly name: string;
  readonly topic: string;
  readonly events: readonly ClientEvent[];
}

/** How a publish ended. `mayBeStored` is part of each rejection. */
export type PublishOutcome =
  | { readonly type: "stored"; readonly position: string }
  | { readonly type: "failed"; readonly code: string; readonly mayBeStored: boolean | undefined };

/** One call of `publish`. */
export interface PublishLog {
  readonly id: string;
  /** Undefined if the call never settled. */
  readonly outcome: PublishOutcome | undefined;
}

/** The publishes of one client to one topic, in the order of the calls. */
export interface PublisherLog {
  readonly name: string;
  readonly topic: string;
  /** Whether the publications must be stored in the order of the calls. */
  readonly isOrdered: boolean;
  readonly publishes: readonly PublishLog[];
}

/** The events and publishes of several clients. */
export interface GroupLog {
  readonly clients: readonly ClientLog[];
  readonly publishers: readonly PublisherLog[];
  /** The number of connections that the clients made. */
  readonly connections: number;
}

/** Everything known about a run. At the end, its clients waited until they had the last publication, or for a time. */
export interface RunLog extends GroupLog {
  /** The last position of each topic at the broker. Absent if it is not known. */
  readonly ends?: readonly (readonly [topic: string, position: string])[] | undefined;
}

/** The settings of a group of clients. */
export interface GroupSettings {
  /** The start of the clients' names. */
  readonly name: string;
  /** The number of clients. */
  readonly count: number;
  /** The port of the balancer. */
  readonly port: number;
  /** The topics, and the position of each at which the subscribers start. */
  readonly topics: readonly (readonly [topic: string, position: string])[];
  /** The approximate interval at which each client publishes, in milliseconds. */
  readonly publishEveryMs: number;
}

/** How far a group has come. */
export interface GroupStatus {
  /** The number of publishes that have not settled. */
  readonly pending: number;
  /** The last position of each subscriber, after the name of its topic. */
  readonly positions: readonly string[];
}

/** A group of clients, in this process or in a browser. They publish until `stopPublishing`. */
export interface ClientGroup {
  stopPublishing(): Promise<void>;
  status(): Promise<GroupStatus>;
  log(): Promise<GroupLog>;
  close(): Promise<void>;
}
