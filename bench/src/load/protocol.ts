import type { Load } from "./loads.ts";

/** What the bench asks of the load process, over the channel between the two. */
export type LoadOrder = RunOrder | ReleaseOrder;

export interface RunOrder {
  readonly load: Load;
  readonly subject: Subject;
  readonly warmUpMs: number;
  readonly measuredMs: number;
}

/** Lets go of the connections that an order about memory left open. */
export interface ReleaseOrder {
  readonly release: true;
}

/** The program under test. */
export interface Subject {
  /** Its process, or its processes where it uses more than one core. */
  readonly pids: readonly number[];
  /** Where a server listens; a client is told where to connect to. */
  readonly port: number;
  /** Whether it speaks WebSocket; else it echoes bare bytes, as many as the frames would have. */
  readonly isFramed: boolean;
  readonly isTls: boolean;
}

/** Closes the connections of a load. */
export type Release = () => void;

/** What the load process answers. */
export type LoadAnswer =
  | TrafficRound
  /** The load for a client waits for it on this port. */
  | { readonly listeningOn: number }
  /** The connections whose memory is to be measured are there. */
  | { readonly isSettled: true }
  | { readonly failure: string };

/** What happened in the measured time of one round. */
export interface TrafficRound {
  readonly messages: number;
  readonly wallSeconds: number;
  /** Processor time in user and kernel mode, of all threads and processes. */
  readonly subjectCpuSeconds: number;
  /** What of it was spent in the kernel; counted in coarser steps. */
  readonly subjectKernelSeconds: number;
  readonly loadCpuSeconds: number;
}
