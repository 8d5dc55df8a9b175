import type { DebugLog } from "../errors/debug-log.ts";
import type { ByteBudget } from "../protocol/byte-budget.ts";
import type { DeflateCodec } from "../protocol/deflate/codec.ts";
import type { DeflateAgreement } from "../protocol/deflate/negotiation.ts";
import type { EndpointEnvironment } from "../protocol/endpoint-environment.ts";
import type { BufferPool } from "../protocol/output-buffer.ts";
import type { SharedOutput } from "../protocol/shared-output.ts";
import type { FlushQueue } from "./flush-queue.ts";
import type { HeartbeatOptions } from "./heartbeat.ts";
import type { TimerWheel } from "./timer-wheel.ts";

/** The objects that all connections of a process share. */
export interface ConnectionEnvironment {
  readonly protocol: EndpointEnvironment;
  readonly pool: BufferPool;
  readonly sharedOutput: SharedOutput;
  readonly wheel: TimerWheel;
  readonly flushQueue: FlushQueue;
  readonly deflateCodec: DeflateCodec;
  readonly log: DebugLog;
  /** Calls back at the end of the running turn, after its promise jobs. */
  defer(callback: () => void): void;
}

/** The options of one connection. */
export interface ByteConnectionOptions {
  /** Which end of the connection this is. */
  readonly role: "client" | "server";
  /** The agreed subprotocol, or the empty string. */
  readonly protocol: string;
  /** The agreed extensions, or the empty string. */
  readonly extensions: string;
  /** Bytes that arrived after the opening handshake. The connection may keep and change them. */
  readonly head?: Uint8Array;
  /** The largest message to receive, in bytes over all its fragments; default 1 MiB. */
  readonly maxMessageBytes?: number;
  /** Limits the unfinished messages of several connections together; default: no limit. */
  readonly unfinishedBudget?: ByteBudget;
  /** The largest data frame to send, in bytes of payload; default: messages are not fragmented. */
  readonly maxFrameBytes?: number;
  /** How many messages and control frames the peer may send in a second; default: no limit. */
  readonly maxMessagesPerSecond?: number;
  /** How to compress (RFC 7692); default: nothing is compressed. */
  readonly deflate?: DeflateAgreement | undefined;
  /** Milliseconds for the closing handshake before the transport is dropped; default 5000. */
  readonly closeTimeoutMs?: number;
  /** Default: on a server a heartbeat with default times, on a client none. */
  readonly heartbeat?: HeartbeatOptions | false;
}
