import {
  formatPosition,
  type HistoryPage,
  type LossReason,
  type Position,
  type Publication,
} from "../../topics/index.ts";
import { byteLength, encodeFrame } from "../wire/frames.ts";
import type { ClientFrameOf } from "../wire/server-session.ts";
import { isJson } from "./shared-publication.ts";

/** The position before or after which to read. Without one, the latest publications are read. */
export interface HistoryStart {
  readonly before?: string;
  readonly after?: string;
}

/** The size of the first part of a page. It tells how large the publications are. */
const FIRST_PART_SIZE = 4;

const MAX_PART_SIZE = 256;

/** A page of the history as the client gets it. It has at most `maxBytes` bytes, but at least one item. */
export class EncodedPage {
  readonly #id: number;
  readonly #limit: number;
  readonly #maxBytes: number;
  readonly #isForward: boolean;
  /** In the order in which they are read. */
  readonly #items: (string | Uint8Array)[] = [];
  #bytes = 0;
  /** The number of publications, including text that is not JSON. */
  #count = 0;
  /** Where the next part starts. */
  start: HistoryStart;
  isComplete = false;
  /** The last position of the topic. */
  position!: Position;
  /** Why the items do not follow `after`, if they do not. */
  reason: LossReason | undefined;

  constructor({ id, limit, before, after }: ClientFrameOf<"history">, maxBytes: number) {
    this.#id = id;
    this.#limit = limit;
    this.#maxBytes = maxBytes;
    this.#isForward = after !== undefined;
    if (after !== undefined) this.start = { after };
    else this.start = before === undefined ? {} : { before };
  }

  /** The items, in the order of the topic. */
  get items(): readonly (string | Uint8Array)[] {
    return this.#isForward ? this.#items : this.#items.toReversed();
  }

  /** The number of publications that the next part may have, by the average size of the earlier ones. */
  get nextSize(): number {
    const left = this.#limit - this.#count;
    if (this.#count === 0) return Math.min(left, FIRST_PART_SIZE);
    const averageBytes = Math.max(1, this.#bytes / this.#count);
    const fitting = Math.ceil((this.#maxBytes - this.#bytes) / averageBytes);
    return Math.min(left, fitting, MAX_PART_SIZE);
  }

  /** Adds a part. @param size the number of publications that it may have */
  add(part: HistoryPage, size: number): void {
    this.#addPosition(part);
    const publications = this.#isForward ? part.publications : part.publications.toReversed();
    for (const publication of publications) {
      this.#count++;
      if (isDeliverable(publication) && !this.#addItem(publication)) break;
    }
    this.isComplete ||= publications.length < size || this.#count === this.#limit;
    if (this.isComplete) return;
    const last = formatPosition(publications.at(-1)!.position);
    this.start = this.#isForward ? { after: last } : { before: last };
  }

  /** Adds an item, or completes the page and returns false. */
  #addItem(publication: Publication): boolean {
    const item = encodeItem(this.#id, publication);
    this.#bytes += byteLength(item);
    this.isComplete = this.#bytes >= this.#maxBytes;
    if (this.#bytes > this.#maxBytes && this.#items.length > 0) return false;
    this.#items.push(item);
    return !this.isComplete;
  }

  /**
   * The latest publications end at the position of the first part. Items after a position end at the position of the
   * last part.
   */
  #addPosition({ position, recovered, reason }: HistoryPage): void {
    const isFirst = this.#count === 0;
    if (isFirst || (this.#isForward && recovered)) this.position = position;
    if (isFirst && !recovered && reason !== "no-position") this.reason = reason;
  }
}

/** Code that does not use channels may publish text that is not JSON. Subscribers do not get it either. */
export function isDeliverable({ data }: Publication): boolean {
  return typeof data !== "string" || isJson(data);
}

/** The data of a text publication is JSON already, so it is not parsed and encoded again. */
function encodeItem(id: number, { position, data }: Publication): string | Uint8Array {
  const frame = { type: "item", id, position: formatPosition(position) } as const;
  if (typeof data !== "string") return encodeFrame(frame, data);
  return `${JSON.stringify(frame).slice(0, -1)},"data":${data}}`;
}
