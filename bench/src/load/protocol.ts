import type { Workload } from "../workloads.ts";

/** What the bench asks of the load client, over the channel between the two processes. */
export interface LoadOrder {
  readonly workload: Workload;
  readonly framed: boolean;
  readonly port: number;
  readonly serverPid: number;
  readonly warmUpMs: number;
  readonly measuredMs: number;
}

/** What the load client answers. */
export type LoadAnswer = LoadResult | { readonly failure: string };

export interface LoadResult {
  readonly messages: number;
  readonly wallSeconds: number;
  /** Processor time in user and kernel mode, of all threads. */
  readonly serverCpuSeconds: number;
  readonly clientCpuSeconds: number;
}
