import type { MemoryNetwork } from "../memory-network.ts";
import type { DriverMethod } from "./script.ts";

/** A loss of publications, as `messages` of a driver returns it. */
export interface DriverLoss {
  readonly lost: { readonly reason: string; readonly position: string };
}

/** A message, as `messages` and `history` of a driver return it. */
export interface DriverMessage {
  /** A JSON value, or a `Uint8Array` for a binary frame. */
  readonly data: unknown;
  /** Absent for a volatile topic. */
  readonly position?: string;
}

/** A member of a topic. */
export interface DriverMember {
  readonly id: string;
  readonly data?: unknown;
}

/**
 * A client under test, as the scripts use it. Names of topics are complete, without params. Data, inputs and
 * outputs are JSON values, or a `Uint8Array` for bytes.
 *
 * A method that fails rejects with an object that has the `code` of the error, and its `data`, `issues`,
 * `retryAfterMs` and `mayBeStored`, as far as the error has them. Iterators must request nothing before the
 * first `next()`, and take an item from the client only with `next()`.
 */
export interface ChannelClientDriver {
  publish(
    topic: string,
    data: unknown,
    options?: { readonly id?: string },
  ): Promise<{ readonly position?: string; readonly isDuplicate: boolean }>;
  history(
    topic: string,
    options: { readonly limit: number; readonly before?: string; readonly after?: string },
  ): Promise<{
    readonly messages: readonly DriverMessage[];
    readonly position: string;
    readonly reason?: string;
  }>;
  /** Calls a handler. After `timeoutMs`, the call fails with `TIMEOUT`. */
  call(name: string, input?: unknown, options?: { readonly timeoutMs?: number }): Promise<unknown>;
  /** Subscribes to a topic. A loss is a separate item. */
  messages(
    topic: string,
    options?: { readonly last?: number; readonly since?: string },
  ): AsyncIterator<DriverMessage | DriverLoss>;
  stream(name: string, input?: unknown): AsyncIterator<unknown>;
  /** Watches the members of a topic. Each item is the list of all members after a change. */
  members(topic: string): AsyncIterator<readonly DriverMember[]>;
  enter(topic: string): Promise<DriverMember>;
  leave(topic: string): Promise<void>;
  /** Closes the client. A second call has no effect. */
  close(): Promise<void>;
}

/** The options with which `channelClientSuite` opens the client under test. */
export interface ChannelClientOptions {
  /** The URL to connect to. */
  readonly url: string;
  /** Returns the credentials. Call it before each connection, and before they expire. */
  readonly auth: () => unknown;
  /** The credit of each subscription and stream, in bytes. */
  readonly creditBytes: number;
  /** The network to connect over, if the harness has `isInMemory`. */
  readonly network?: MemoryNetwork;
}

/** How `channelClientSuite` opens the client under test. */
export interface ChannelClientHarness {
  /** Opens a client. It must connect at once, and try again within a second after a lost connection. */
  open(options: ChannelClientOptions): ChannelClientDriver | Promise<ChannelClientDriver>;
  /** Whether clients connect over a `MemoryNetwork`. Default: `false`, over TCP on 127.0.0.1. */
  readonly isInMemory?: boolean;
  /** How long a step of a script may take, in milliseconds. Default: 10,000. */
  readonly timeoutMs?: number;
}

/** Calls a method of a driver by its name. */
export function callDriver(
  driver: ChannelClientDriver,
  method: DriverMethod,
  values: readonly unknown[],
): unknown {
  return (driver[method] as (...values: readonly unknown[]) => unknown)(...values);
}
