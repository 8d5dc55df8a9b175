/** A value of a flow, or its end, as a reader takes it. */
export interface FlowEntry<T> {
  readonly value?: T;
  /** Whether it is the end. Then `value` is the error that ended the flow, if any. */
  readonly isEnd?: boolean;
}

/** A value of a flow. Values are linked, and each reader has its own place. */
interface LinkedEntry<T> extends FlowEntry<T> {
  /** How many bytes the flow has received, up to and with this entry. */
  readonly bytes: number;
  next?: LinkedEntry<T>;
}

/** One reader of a flow. */
export interface FlowReader<T> {
  /** The value that the reader took last. */
  last: LinkedEntry<T>;
  /** Values to take before the values of the flow. Undefined while they are being fetched. */
  before: T[] | undefined;
  /** Whether to leave out a value of the flow, because the reader took it before. */
  isKnown?: ((value: never) => boolean) | undefined;
  /** Called when there may be something to take, or the reader has been closed. */
  wake?: () => void;
  /** Takes the next entry, if there is one. The end can be taken again and again. */
  take: () => FlowEntry<T> | undefined;
  /** Stops reading. Nothing can be taken any more. */
  readonly close: () => void;
}

/**
 * Values that a server sends at the pace of their readers. Each reader takes each value once. The server gets
 * more credit when the slowest reader has taken half a window.
 */
export interface CreditFlow<T> {
  readonly readers: ReadonlySet<FlowReader<T>>;
  /** Adds a reader of all later values. */
  readonly read: () => FlowReader<T>;
  /** A connection begins. Returns the credit to start with. */
  open(): number;
  /** Adds a value that took `bytes` of the credit. Default: 0. Ignored after the end. */
  readonly push: (value: T, bytes?: number) => void;
  /** Adds the end. The readers get the values before it first. */
  readonly end: (error?: Error) => void;
}

/**
 * Creates a flow.
 *
 * @param windowBytes how much credit the server has. Default: the values have no credit
 * @param onUnread called when the last reader has been closed
 */
export function createFlow<T>(
  windowBytes = 0,
  sendCredit?: (bytes: number) => void,
  onUnread?: () => void,
): CreditFlow<T> {
  const readers = new globalThis.Set<FlowReader<T>>();
  let last: LinkedEntry<T> = { bytes: 0 };
  let end: FlowEntry<T> | undefined;
  /** The server may send until it has sent this many bytes. Infinity before the first connection. */
  let grantedBytes = Infinity;

  /** The number of bytes up to which the server may send. It follows the slowest reader. */
  const limit = (): number => {
    let { bytes } = last;
    for (const reader of readers) bytes = Math.min(bytes, reader.last.bytes);
    return bytes + windowBytes;
  };
  const renew = (): void => {
    const bytes = limit() - grantedBytes;
    if (bytes < windowBytes / 2) return;
    grantedBytes += bytes;
    sendCredit!(bytes);
  };
  return {
    readers,
    read() {
      const reader: FlowReader<T> = {
        last,
        before: [],
        take() {
          const { before, isKnown } = reader;
          if (!before) return end;
          if (before.length) return { value: before.shift()! };
          let taken: LinkedEntry<T> | undefined;
          do {
            taken = reader.last.next;
            reader.last = taken ?? reader.last;
          } while (taken && isKnown?.(taken.value as never));
          // Also after values that were left out, because the server may wait for the credit.
          renew();
          return taken ?? end;
        },
        close() {
          reader.take = () => {};
          reader.wake?.();
          if (!readers.delete(reader)) return;
          renew();
          if (!readers.size) onUnread?.();
        },
      };
      readers.add(reader);
      return reader;
    },
    open() {
      grantedBytes = Math.max(last.bytes, limit());
      return grantedBytes - last.bytes;
    },
    push(value, bytes = 0) {
      if (end) return;
      last = last.next = { bytes: last.bytes + bytes, value };
      for (const reader of readers) reader.wake?.();
    },
    end(error) {
      end = { isEnd: true, value: error as T };
      for (const reader of readers) reader.wake?.();
    },
  };
}
