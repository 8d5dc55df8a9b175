import type { ClientFrame } from "./frames.ts";

/** The maximum length of `key` of a publish frame, in UTF-16 code units. */
const MAX_KEY_LENGTH = 124;

/** The maximum length of `lastId` of a stream frame and of `itemId` of an item, in UTF-16 code units. */
export const MAX_ITEM_ID_LENGTH = 256;

/** At least 128 random bits. */
const SESSION_SECRET = /^[\w-]{22,64}$/;

type Fields = Readonly<Record<string, unknown>>;

/** A check of the fields of one type of frame. */
type FrameCheck = (frame: Fields) => boolean;

/** By type: whether the known fields of a frame are valid. */
const CHECKS: Readonly<Record<ClientFrame["type"], FrameCheck>> = {
  hello: ({ session, connection, maxMessageBytes }) =>
    isText(session) &&
    SESSION_SECRET.test(session) &&
    isCounter(connection) &&
    isOptional(maxMessageBytes, isCounter),
  auth: () => true,
  subscribe: ({ topic, since, last, credit }) =>
    isText(topic) && isOptional(since, isText) && isOptional(last, isCount) && isCount(credit),
  unsubscribe: ({ topic }) => isText(topic),
  credit: ({ topic, stream, bytes }) =>
    isCount(bytes) && (stream === undefined ? isText(topic) : isCounter(stream)),
  publish: ({ topic, number, key }) =>
    isText(topic) &&
    (number === undefined
      ? isShortText(key, MAX_KEY_LENGTH)
      : isCounter(number) && key === undefined),
  watch: ({ topic }) => isText(topic),
  unwatch: ({ topic }) => isText(topic),
  enter: ({ topic, replaces }) => isText(topic) && isOptional(replaces, isCounter),
  leave: ({ topic, replaces }) => isText(topic) && isOptional(replaces, isCounter),
  history: ({ topic, limit, before, after }) =>
    isText(topic) &&
    isCount(limit) &&
    isOptional(before, isText) &&
    isOptional(after, isText) &&
    (before === undefined || after === undefined),
  call: ({ name, number }) => isText(name) && isOptional(number, isCounter),
  stream: ({ name, credit, lastId }) =>
    isText(name) &&
    isCount(credit) &&
    isOptional(lastId, (id) => isShortText(id, MAX_ITEM_ID_LENGTH)),
  cancel: () => true,
  seen: ({ id }) => isCounter(id),
  ping: () => true,
};

/** The types of frames that have an `id` and get an answer. */
const REQUESTS: ReadonlySet<string> = new Set([
  "subscribe",
  "publish",
  "watch",
  "enter",
  "leave",
  "history",
  "call",
  "stream",
]);

/** The types of requests with data of the application. */
const WITH_DATA: ReadonlySet<string> = new Set(["publish", "call", "stream"]);

/** Whether requests of this type have data of the application. All others are small. */
export function hasData(type: string): boolean {
  return WITH_DATA.has(type);
}

/** Whether a frame of this type has an `id` and gets an answer. */
export function isRequest(type: string): boolean {
  return REQUESTS.has(type);
}

/** Whether a client may send frames of this type. */
export function isClientFrameType(type: string): type is ClientFrame["type"] {
  return Object.hasOwn(CHECKS, type);
}

/** Whether the known fields of a frame are valid, apart from the `id`. */
export function hasValidFields(type: ClientFrame["type"], frame: object): boolean {
  return CHECKS[type](frame as Fields);
}

/** Whether `value` is a valid id of a request: a safe integer above 0. */
export function isCounter(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isShortText(value: unknown, maxLength: number): boolean {
  return isText(value) && value !== "" && value.length <= maxLength;
}

function isOptional(value: unknown, check: (value: unknown) => boolean): boolean {
  return value === undefined || check(value);
}
