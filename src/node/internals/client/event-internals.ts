/**
 * Under which symbols Node's events and event targets keep what a dispatch works with, in Node 20,
 * 22 and 24 alike. None of it is documented: {@link findEventInternals} looks whether it is so.
 */
export interface EventInternals {
  readonly type: symbol;
  readonly target: symbol;
  readonly isBeingDispatched: symbol;
  /** Of a target: its lists of listeners, by type. */
  readonly lists: symbol;
}

/** A list of listeners; absent, or without a first one, where nobody listens. */
export interface ListenerList {
  readonly next: Listener | undefined;
}

export interface Listener {
  readonly next: Listener | undefined;
  /** 0 for a listener without any options. */
  readonly flags: number;
  readonly callback: (this: EventTarget, event: unknown) => unknown;
}

/** A target, seen by its symbols. */
export type ListenerLists = Readonly<Record<symbol, ReadonlyMap<string, ListenerList> | undefined>>;

/** Undefined where Node keeps it differently, as a later version may, or keeps anything more. */
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

/** The one key whose value is meant; undefined if there are none or several. */
function keyOf(
  values: Readonly<Record<symbol, unknown>>,
  isMeant: (value: unknown, key: symbol) => boolean,
): symbol | undefined {
  const keys = Object.getOwnPropertySymbols(values).filter((key) => isMeant(values[key], key));
  return keys.length === 1 ? keys[0] : undefined;
}

function isListsWith(value: unknown, callback: () => void): boolean {
  // Not of the class Map: Node's is one that programs cannot tamper with.
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
