import { decodePayload, encodeRecord } from "../broker/payload.ts";
import { formatPosition, type Position, readPosition } from "../broker/position.ts";
import type { Publication } from "../broker/publication.ts";

/** A message on the subject of a topic, with its position. */
export interface Tail {
  readonly position: Position;
  /** The sequence number of the message in the stream, over all subjects. */
  readonly sequence: number;
}

/** The content of a message on the subject of a topic. */
export type NatsRecord =
  | {
      /** The message contains its position. Without a payload, it is a mark. */
      readonly kind: "numbered";
      readonly position: Position;
      readonly payload: string;
    }
  | {
      /** The position of the message is one after the position of the previous message of the topic. */
      readonly kind: "following";
      /** An earlier message: the last message that the writer knew. */
      readonly anchor: Tail;
      /** The start of the next epoch's name, if NATS has lost the message of the anchor. */
      readonly tag: string;
      readonly payload: string;
    }
  | {
      /** Another program has stored the message. It uses up an offset. */
      readonly kind: "unreadable";
    };

/** A message with its sequence number in the stream. */
export interface NumberedRecord {
  readonly sequence: number;
  readonly record: NatsRecord;
}

const FOLLOWING = /^(.+)@(\d{1,16})\.([\da-z]{1,16})$/;

/** Writes a message with a position: `epoch:offset payload`. */
export function encodeNumbered(position: Position, payload: string): string {
  return encodeRecord(position, payload);
}

/** Writes a message that follows another one: `epoch:offset@sequence.tag payload`. */
export function encodeFollowing(
  { position, sequence }: Tail,
  tag: string,
  payload: string,
): string {
  return `${formatPosition(position)}@${sequence}.${tag} ${payload}`;
}

export function readRecord(text: string): NatsRecord {
  const end = text.indexOf(" ");
  const head = end === -1 ? "" : text.slice(0, end);
  const payload = text.slice(end + 1);
  const position = readPosition(head);
  if (position !== undefined) return { kind: "numbered", position, payload };
  const [, anchorText, digits, tag = ""] = FOLLOWING.exec(head) ?? [];
  const anchor = readPosition(anchorText);
  if (anchor === undefined) return { kind: "unreadable" };
  const sequence = Number(digits);
  return { kind: "following", anchor: { position: anchor, sequence }, tag, payload };
}

/** Whether a message is a position without a publication. */
export function isMark(record: NatsRecord): boolean {
  return record.kind === "numbered" && record.payload === "";
}

/** @returns undefined if this version of the package cannot read the publication */
export function publicationOf(record: NatsRecord, position: Position): Publication | undefined {
  const draft = record.kind === "unreadable" ? undefined : decodePayload(record.payload);
  return draft && { position, ...draft };
}

/** Returns the id of a publication; undefined for a mark, and for a publication that cannot be read. */
export function idOf(record: NatsRecord): string | undefined {
  return record.kind === "unreadable" ? undefined : decodePayload(record.payload)?.id;
}

/** Returns the position of a message that is stored right after a message with the position `previous`. */
export function positionAt({ sequence, record }: NumberedRecord, previous: Position): Position {
  if (record.kind === "numbered") return record.position;
  if (record.kind === "unreadable") return positionAfter(previous);
  const { anchor, tag } = record;
  const epoch = `${tag}-${sequence}`;
  // Every reader must choose the same epoch.
  if (previous.offset >= Number.MAX_SAFE_INTEGER) return { epoch, offset: 1 };
  // The writer knew a message that NATS has lost since, because this message has its sequence number or an
  // earlier one. Offsets are used again, so all readers begin the same new epoch here.
  const isLost = anchor.sequence >= sequence && anchor.position.epoch === previous.epoch;
  return { epoch: isLost ? epoch : previous.epoch, offset: previous.offset + 1 };
}

/**
 * Returns the position of the last of consecutive messages of a topic; undefined if none of them shows a
 * position.
 *
 * @param known a message with a known position
 */
export function lastPositionOf(
  messages: readonly NumberedRecord[],
  known: Tail | undefined,
): Position | undefined {
  const facts = new Map<number, Position>();
  for (const { sequence, record } of messages) {
    if (record.kind !== "following" || record.anchor.sequence >= sequence) continue;
    facts.set(record.anchor.sequence, record.anchor.position);
  }
  if (known !== undefined) facts.set(known.sequence, known.position);
  let position: Position | undefined;
  for (const message of messages) {
    const { sequence, record } = message;
    if (position !== undefined) position = positionAt(message, position);
    else position = record.kind === "numbered" ? record.position : facts.get(sequence);
  }
  return position;
}

/**
 * Returns the positions of consecutive messages of a topic by their sequence numbers, back to the message at
 * which the offsets last started again. All of them get the epoch of the last message.
 *
 * @param last the position of the last message
 */
export function positionsOf(
  messages: readonly NumberedRecord[],
  { epoch, offset: lastOffset }: Position,
): ReadonlyMap<number, Position> {
  const positions = new Map<number, Position>();
  let offset = lastOffset;
  for (const { sequence, record } of messages.toReversed()) {
    const isOther = record.kind === "numbered" && record.position.offset !== offset;
    if (isOther || offset === 0) break;
    positions.set(sequence, { epoch, offset });
    if (!isMark(record)) offset--;
  }
  return positions;
}

/**
 * Returns the readable publications after an offset. Leaves out publications from before the topic's offsets last
 * started again.
 *
 * @param last the position of the last message
 */
export function publicationsOf(
  messages: readonly NumberedRecord[],
  last: Position,
  after: number,
): readonly Publication[] {
  const positions = positionsOf(messages, last);
  return messages.flatMap(({ sequence, record }) => {
    const position = positions.get(sequence);
    if (position === undefined || position.offset <= after) return [];
    return publicationOf(record, position) ?? [];
  });
}

/** Returns the next position. If all offsets are used, it is in another epoch. */
export function positionAfter({ epoch, offset }: Position): Position {
  return offset < Number.MAX_SAFE_INTEGER ? { epoch, offset: offset + 1 } : newEpoch(1);
}

export function newEpoch(offset: number): Position {
  return { epoch: crypto.randomUUID(), offset };
}

/** Whether a position is before another position of the same epoch. */
export function isBefore(position: Position, other: Position | undefined): boolean {
  return position.epoch === other?.epoch && position.offset < other.offset;
}
