import { BrokerError } from "../../errors/index.ts";
import type { BrokerPage, PresenceEntry, BrokerPublishResult } from "../broker/broker.ts";
import { decodePayload } from "../broker/payload.ts";
import { type Position, readPosition } from "../broker/position.ts";
import type { Publication } from "../broker/publication.ts";

/** The error replies that are temporary: Redis is busy, starting, failing over, or moving a slot. */
const TEMPORARY = new Set([
  "ASK",
  "BUSY",
  "CLUSTERDOWN",
  "LOADING",
  "MASTERDOWN",
  "MOVED",
  "NOREPLICAS",
  "READONLY",
  "TRYAGAIN",
  "UNBLOCKED",
]);

/** A temporary error without a separate code. */
const TOO_MANY_CLIENTS = /^ERR max number of clients reached/;

/** Converts an error of a Redis client to a `BrokerError`. */
export function toBrokerError(cause: unknown): BrokerError {
  if (cause instanceof BrokerError) return cause;
  const message = describe(cause);
  const reply = replyCodeOf(cause);
  if (reply === undefined || TEMPORARY.has(reply) || TOO_MANY_CLIENTS.test(message)) {
    return new BrokerError("BROKER_UNAVAILABLE", `Redis cannot be reached: ${message}`, { cause });
  }
  return new BrokerError("BROKER_REFUSED", `Redis refused the command: ${message}`, { cause });
}

/** Whether Redis has answered with this error. If not, the connection may be lost. */
export function isErrorReply(error: unknown): boolean {
  return replyCodeOf(error) !== undefined;
}

/** Returns the word in capitals with which an error reply begins. */
function replyCodeOf(error: unknown): string | undefined {
  // Connection errors may begin with a word in capitals too, but they have a `code`.
  if (error instanceof Error && "code" in error) return undefined;
  const message = describe(error);
  // Redis 6.2 puts the error reply of a command in a script after the place in the script.
  const [, reply = message] = /^ERR Error running script .*?: -(.*)/.exec(message) ?? [];
  return /^([A-Z]{2,}) /.exec(reply)?.[1];
}

/** The answer of `PUBLISH`. */
export interface PublishAnswer {
  /** Absent if the publication arrived after its deadline, and is not stored. */
  readonly receipt: BrokerPublishResult | undefined;
  /** The time of Redis, in milliseconds. */
  readonly redisMs: number;
}

/** Reads the answer of `PUBLISH`. @throws BrokerError `BROKER_ANSWER_INVALID` */
export function readPublishAnswer(answer: unknown): PublishAnswer {
  const [epoch, offset, outcome, redisMs] = textsOf(answer);
  if (outcome === "late") return { receipt: undefined, redisMs: Number(redisMs) };
  const receipt = { position: positionOf(epoch, offset), isDuplicate: outcome === "known" };
  return { receipt, redisMs: Number(redisMs) };
}

/** Reads the answer of `TIME`, in milliseconds. @throws BrokerError `BROKER_ANSWER_INVALID` */
export function readTime(answer: unknown): number {
  const [seconds, microseconds] = textsOf(answer).map(Number);
  const timeMs = 1_000 * seconds + microseconds / 1_000;
  if (Number.isFinite(timeMs)) return timeMs;
  throw invalid("it has no time");
}

/** Reads the answer of `HISTORY`. @throws BrokerError `BROKER_ANSWER_INVALID` */
export function readPage(answer: unknown, isReversed: boolean): BrokerPage {
  const [epoch, offset, ...entries] = textsOf(answer);
  const publications: Publication[] = [];
  for (let index = 0; index + 1 < entries.length; index += 2) {
    const publication = publicationAt(positionOf(epoch, entries[index]), entries[index + 1]);
    if (publication !== undefined) publications.push(publication);
  }
  if (isReversed) publications.reverse();
  return { position: positionOf(epoch, offset), publications };
}

/** Reads the answer of `MEMBERS`. @throws BrokerError `BROKER_ANSWER_INVALID` */
export function readMembers(answer: unknown): readonly PresenceEntry[] {
  const texts = textsOf(answer);
  return Array.from({ length: texts.length / 2 }, (_, index) => ({
    key: texts[2 * index],
    value: texts[2 * index + 1],
  }));
}

function publicationAt(position: Position, payload: string): Publication | undefined {
  const draft = decodePayload(payload);
  return draft && { position, ...draft };
}

function positionOf(epoch: string, offset: string): Position {
  const position = readPosition(`${epoch}:${offset}`);
  if (position === undefined) throw invalid(`it contains ${epoch}:${offset} instead of a position`);
  return position;
}

function textsOf(answer: unknown): readonly string[] {
  if (Array.isArray(answer) && answer.every((item) => typeof item === "string")) return answer;
  throw invalid(`it is a value of type ${typeof answer} instead of a list of strings`);
}

function invalid(what: string): BrokerError {
  return new BrokerError("BROKER_ANSWER_INVALID", `Redis sent an invalid answer: ${what}`);
}

function describe(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describe).join(", ");
  return error instanceof Error ? error.message : String(error);
}
