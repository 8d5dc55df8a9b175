import type { DialectName } from "./dialects.ts";
import type { Load } from "./loads.ts";

/** An order of the bench to the load process, over their IPC channel. */
export type LoadOrder = RunOrder | ReleaseOrder;

export interface RunOrder {
  readonly load: Load;
  readonly subject: Subject;
  readonly warmUpMs: number;
  readonly measuredMs: number;
}

/** Closes the connections that a memory load has left open. */
export interface ReleaseOrder {
  readonly release: true;
}

/** The program under test. */
export interface Subject {
  /** The process of the program, or all its processes if it uses several cores. */
  readonly pids: readonly number[];
  /** The port on which a server listens; 0 for a client. */
  readonly port: number;
  /** Whether it uses the WebSocket protocol. Otherwise it echoes bare bytes of the same size. */
  readonly isFramed: boolean;
  readonly isTls: boolean;
  /** Whether to open WebSockets over HTTP/2 (RFC 8441), one on each connection. Default: false. */
  readonly isHttp2?: boolean | undefined;
  /** The protocol of the application, if the load must speak one. */
  readonly dialect?: DialectName | undefined;
}

/** Closes the connections of a load. */
export type Release = () => void;

/** An answer of the load process. */
export type LoadAnswer =
  | TrafficRound
  /** The load listens on this port for the client under test. */
  | { readonly listeningOn: number }
  /** The connections are open, so their memory can be measured. */
  | { readonly isSettled: true }
  | { readonly failure: string };

/** The measurements of one round. */
export interface TrafficRound {
  readonly messages: number;
  readonly wallSeconds: number;
  /** Processor time in user and kernel mode, of all threads and processes. */
  readonly subjectCpuSeconds: number;
  /** The part of this processor time in kernel mode, which Linux counts in coarser steps. */
  readonly subjectKernelSeconds: number;
  readonly loadCpuSeconds: number;
}
