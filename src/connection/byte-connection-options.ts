import type { DebugLog } from "../errors/debug-log.ts";
import type { ByteBudget } from "../protocol/byte-budget.ts";
import type { DeflateCodec } from "../protocol/deflate/codec.ts";
import type { DeflateAgreement } from "../protocol/deflate/negotiation.ts";
import type { EndpointOptions } from "../protocol/endpoint.ts";
import type { EndpointEnvironment } from "../protocol/endpoint-environment.ts";
import type { ReceivingOptions } from "../protocol/message-assembler.ts";
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
  /** Calls back at the end of the current turn of the event loop, after its promise jobs. */
  defer(callback: () => void): void;
}

/** The options of one connection. */
export interface ByteConnectionOptions
  extends ReceivingOptions, Pick<EndpointOptions, "answersPings" | "closing" | "maskingKeys"> {
  /** Which end of the connection this is. */
  readonly role: "client" | "server";
  /** The negotiated subprotocol, or the empty string. */
  readonly protocol: string;
  /** The negotiated extensions, or the empty string. */
  readonly extensions: string;
  /** The bytes that arrived right after the opening handshake. The connection may keep and change them. */
  readonly head?: Uint8Array;
  /** The maximum size in bytes of a received message, over all its fragments. Default: 1 MiB. */
  readonly maxMessageBytes?: number;
  /** Limits the unfinished messages of several connections together. Default: no limit. */
  readonly unfinishedBudget?: ByteBudget;
  /** The maximum payload in bytes of a data frame to send. Default: messages are not fragmented. */
  readonly maxFrameBytes?: number;
  /** How many messages and control frames the peer may send per second. Default: no limit. */
  readonly maxMessagesPerSecond?: number;
  /** The negotiated compression (RFC 7692). Default: no compression. */
  readonly deflate?: DeflateAgreement | undefined;
  /**
   * How long the closing handshake may take, in milliseconds, before the transport is dropped. Default:
   * 5,000.
   */
  readonly closeTimeoutMs?: number;
  /** Default: a heartbeat with the default times on a server, and no heartbeat on a client. */
  readonly heartbeat?: HeartbeatOptions | false;
}
