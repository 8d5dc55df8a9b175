import { NO_DEBUG_LOG } from "../../src/errors/debug-log.ts";
import type { ByteTransport, ByteTransportHandler } from "../../src/connection/byte-transport.ts";
import type {
  ByteConnectionOptions,
  ConnectionEnvironment,
} from "../../src/connection/byte-connection-options.ts";
import type { CloseInfo, Connection, ConnectionHandler } from "../../src/connection/connection.ts";
import { openByteConnection } from "../../src/connection/logged-connection.ts";
import { FlushQueue } from "../../src/connection/flush-queue.ts";
import { SlabPool } from "../../src/connection/slab-pool.ts";
import { type Clock, TimerWheel } from "../../src/connection/timer-wheel.ts";
import { fastEnvironment } from "../../src/node/serve/tcp-environments.ts";
import { SharedOutput } from "../../src/protocol/shared-output.ts";
import { nodeProtocolEnvironment } from "../../src/node/environment/protocol-environment.ts";
import { asPeerOf, fromHex, lend, type Role, toHex, withoutMasks } from "../protocol/support.ts";

/** A clock that moves only when the test advances it. */
export class ManualClock implements Clock {
  #nowMs = 0;
  #pending: Array<{ dueMs: number; callback: () => void }> = [];

  nowMs(): number {
    return this.#nowMs;
  }

  schedule(callback: () => void, delayMs: number): void {
    this.#pending.push({ dueMs: this.#nowMs + delayMs, callback });
  }

  get pendingCount(): number {
    return this.#pending.length;
  }

  /** Stalls for `ms`, then calls each due callback once, as Node does. */
  stall(ms: number): void {
    this.#nowMs += ms;
    const due = this.#pending.filter(({ dueMs }) => dueMs <= this.#nowMs);
    this.#pending = this.#pending.filter((pending) => !due.includes(pending));
    for (const { callback } of due) callback();
  }

  /** Advances by `ms` and calls due callbacks on the way, each at its time. */
  advance(ms: number): void {
    const end = this.#nowMs + ms;
    for (;;) {
      const next = this.#pending.toSorted((a, b) => a.dueMs - b.dueMs)[0];
      if (next === undefined || next.dueMs > end) break;
      this.#pending.splice(this.#pending.indexOf(next), 1);
      this.#nowMs = next.dueMs;
      next.callback();
    }
    this.#nowMs = end;
  }
}

/** A transport in which the test plays the kernel. */
export class ManualTransport implements ByteTransport {
  readonly writes: string[] = [];
  /** The last written buffer itself, without a copy. */
  latest: Uint8Array | undefined;
  handler: ByteTransportHandler | undefined;
  /** While false, writes stay in the transport until `drain`. */
  takesAll = true;
  isReading = false;
  isEnded = false;
  isDestroyed = false;

  start(handler: ByteTransportHandler): void {
    this.handler = handler;
    this.isReading = true;
  }

  /** The number of unwritten bytes, in tests of transports that report it; otherwise undefined. */
  unwrittenBytes: number | undefined;

  write(bytes: Uint8Array): boolean {
    if (this.unwrittenBytes !== undefined) this.unwrittenBytes = bytes.length;
    this.writes.push(toHex(bytes));
    this.latest = bytes;
    return this.takesAll;
  }

  drain(): void {
    this.takesAll = true;
    this.handler!.onDrain();
  }

  pause(): void {
    this.isReading = false;
  }

  resume(): void {
    this.isReading = true;
  }

  end(): void {
    this.isEnded = true;
  }

  destroy(): void {
    this.isDestroyed = true;
  }
}

/** A handler that records its calls. */
export class NotingHandler implements ConnectionHandler {
  readonly notes: string[] = [];
  closeInfo: CloseInfo | undefined;

  onText(text: string): void {
    this.notes.push(`text ${text}`);
  }
  onBinary(bytes: Uint8Array): void {
    this.notes.push(`binary ${toHex(bytes)}`);
  }
  onClosing(): void {
    this.notes.push("closing");
  }
  onClose(info: CloseInfo): void {
    this.notes.push(`close ${info.code}`);
    this.closeInfo = info;
  }
  onDrain(): void {
    this.notes.push("drain");
  }
}

export interface Rig {
  readonly clock: ManualClock;
  readonly transport: ManualTransport;
  readonly connection: Connection;
  readonly handler: NotingHandler;
  /** Ends the current turn: runs deferred callbacks. */
  readonly endTurn: () => void;
  /** Exits the process, so that no turn follows. */
  readonly exitProcess: () => void;
  /** Frames written since the last call, one string per write, unmasked. */
  readonly written: () => string[];
  /** Receives frames, given unmasked in hex, as one chunk from the peer. */
  readonly receive: (hex: string) => void;
}

export function rig(
  role: Role,
  options: Partial<ByteConnectionOptions> = {},
  shared: Partial<ConnectionEnvironment> = {},
): Rig {
  const clock = new ManualClock();
  const deferred: Array<() => void> = [];
  const defer = (callback: () => void): void => void deferred.push(callback);
  const allocate = (byteLength: number): Uint8Array => Buffer.alloc(byteLength, 0xee);
  const transport = new ManualTransport();
  const flushQueue = new FlushQueue(defer);
  const connection = openByteConnection(
    {
      protocol: nodeProtocolEnvironment,
      pool: new SlabPool(allocate),
      sharedOutput: new SharedOutput(allocate),
      wheel: new TimerWheel(clock),
      flushQueue,
      defer,
      deflateCodec: fastEnvironment.deflateCodec,
      log: NO_DEBUG_LOG,
      ...shared,
    },
    transport,
    { role, protocol: "", extensions: "", ...options },
  );
  const handler = new NotingHandler();
  connection.start(handler);
  return {
    clock,
    transport,
    connection,
    handler,
    endTurn() {
      for (const callback of deferred.splice(0)) callback();
    },
    exitProcess: () => flushQueue.stopDeferring(),
    written() {
      const writes = transport.writes.splice(0);
      if (role === "server") return writes;
      return writes.map((hex) => toHex(withoutMasks(fromHex(hex))));
    },
    receive(hex) {
      lend(asPeerOf(role, fromHex(hex)), (bytes) => transport.handler!.onBytes(bytes));
    },
  };
}
