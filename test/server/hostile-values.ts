/* oxlint-disable unicorn/no-thenable -- that they are hostile is the point */
/** Values that throw whatever is done with them: a program may throw, reject with or return them. */

function refuse(): never {
  throw new Error("this value throws at everything");
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

/** By name. Each is made anew, so that no test changes another's. */
export const HOSTILE_VALUES: ReadonlyArray<readonly [name: string, make: () => unknown]> = [
  ["a proxy whose traps throw", () => new Proxy({}, ALL_TRAPS)],
  ["a proxy of a function whose traps throw", () => new Proxy(() => {}, ALL_TRAPS)],
  ["a revoked proxy", revoked],
  [
    "an Error whose getters throw",
    () =>
      throwingGetters(new Error("x"), ["message", "name", "stack", "cause", "code", "toString"]),
  ],
  [
    "an object whose getters throw",
    () => throwingGetters({}, [Symbol.toStringTag, Symbol.toPrimitive, "message", "constructor"]),
  ],
  ["an object without a prototype", () => Object.create(null) as unknown],
  ["undefined", () => undefined],
  ["null", () => null],
  ["a symbol", () => Symbol("x")],
];

/** A promise of another make that throws, and rejects what is awaited. */
export function throwingThenable(): PromiseLike<never> {
  return { then: () => refuse() };
}

/** An object for which asking whether it is a promise throws. */
export function throwingThen(): object {
  return throwingGetters({}, ["then"]);
}
