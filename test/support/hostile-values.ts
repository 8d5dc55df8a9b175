/* oxlint-disable unicorn/no-thenable -- the values must be hostile */
/** Values that throw when they are used. A program may throw, return or reject with them. */

function refuse(): never {
  throw new Error("this value throws on every access");
}

const ALL_TRAPS: ProxyHandler<object> = new Proxy({}, { get: () => refuse });

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function throwingGetters(target: object, names: readonly PropertyKey[]): object {
  for (const name of names) Object.defineProperty(target, name, { get: refuse });
  return target;
}

/** Functions that make the values, by name. Each test makes a new value. */
export const HOSTILE_VALUES: ReadonlyArray<readonly [name: string, make: () => unknown]> = [
  ["a proxy with traps that throw", () => new Proxy({}, ALL_TRAPS)],
  ["a proxy of a function with traps that throw", () => new Proxy(() => {}, ALL_TRAPS)],
  ["a revoked proxy", revoked],
  [
    "an Error with getters that throw",
    () =>
      throwingGetters(new Error("x"), ["message", "name", "stack", "cause", "code", "toString"]),
  ],
  [
    "an object with getters that throw",
    () => throwingGetters({}, [Symbol.toStringTag, Symbol.toPrimitive, "message", "constructor"]),
  ],
  ["an object without a prototype", () => Object.create(null) as unknown],
  ["undefined", () => undefined],
  ["null", () => null],
  ["a symbol", () => Symbol("x")],
];

/** A thenable with a `then` that throws, so that awaiting it rejects. */
export function throwingThenable(): PromiseLike<never> {
  return { then: () => refuse() };
}

/** An object with a property `then` that throws when it is read. */
export function throwingThen(): object {
  return throwingGetters({}, ["then"]);
}
