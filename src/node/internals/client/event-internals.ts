/**
 * The symbols under which events and event targets of Node.js keep the state of a dispatch. They are not
 * documented. {@link findEventInternals} checks that they are used as in Node.js 20, 22 and 24.
 */
export interface EventInternals {
  readonly type: symbol;
  readonly target: symbol;
  readonly isBeingDispatched: symbol;
  /** The listener lists of a target, by event type. */
  readonly lists: symbol;
}

/** A list of listeners. If there are no listeners, it is absent or empty. */
export interface ListenerList {
  readonly next: Listener | undefined;
}

export interface Listener {
  readonly next: Listener | undefined;
  /** 0 for a listener without any options. */
  readonly flags: number;
  readonly callback: (this: EventTarget, event: unknown) => unknown;
}

/** An event target, accessed by its symbols. */
export type ListenerLists = Readonly<Record<symbol, ReadonlyMap<string, ListenerList> | undefined>>;

/**
 * Finds the symbols. Returns undefined if this Node.js version keeps the state in another way, or keeps more
 * state.
 */
export function findEventInternals(): EventInternals | undefined {
  const target = new EventTarget();
  const event = new Event(TYPE);
  let during: Readonly<Record<symbol, unknown>> = {};
  const callback = (): void => void (during = ownSymbols(event));
  target.addEventListener(TYPE, callback);
  const lists = keyOf(ownSymbols(target), (value) => isListsWith(value, callback));
  target.dispatchEvent(event);
  const after = ownSymbols(event);
  const internals = {
    type: keyOf(during, (value) => value === TYPE),
    target: keyOf(during, (value) => value === target),
    isBeingDispatched: keyOf(during, (value, key) => value === true && after[key] === false),
    lists,
  };
  return Object.values(internals).includes(undefined) ? undefined : (internals as EventInternals);
}

const TYPE = "probe";
const LIST_KEYS = "next,resistStopPropagation,size";
const LISTENER_KEYS = "callback,flags,listener,next,previous";

function ownSymbols(object: object): Record<symbol, unknown> {
  const symbols = Object.getOwnPropertySymbols(object);
  return Object.fromEntries(symbols.map((key) => [key, Reflect.get(object, key) as unknown]));
}

/** The only key that matches; undefined if none or several match. */
function keyOf(
  values: Readonly<Record<symbol, unknown>>,
  matches: (value: unknown, key: symbol) => boolean,
): symbol | undefined {
  const keys = Object.getOwnPropertySymbols(values).filter((key) => matches(values[key], key));
  return keys.length === 1 ? keys[0] : undefined;
}

function isListsWith(value: unknown, callback: () => void): boolean {
  // The lists are not an instance of Map, because Node.js uses a class that programs cannot modify.
  const lists = value as Partial<ReadonlyMap<string, ListenerList>> | null | undefined;
  if (typeof lists?.get !== "function") return false;
  const list = lists.get(TYPE);
  if (list?.next === undefined || keysOf(list) !== LIST_KEYS) return false;
  const { next, flags, callback: kept } = list.next;
  const isPlain = next === undefined && flags === 0 && kept === callback;
  return isPlain && keysOf(list.next) === LISTENER_KEYS;
}

function keysOf(object: object): string {
  return Object.keys(object).toSorted().join();
}
