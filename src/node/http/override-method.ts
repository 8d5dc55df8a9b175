/** Calls the method that an override replaced, on `self`. */
export type InnerMethod<Args extends unknown[], Result> = (self: object, args: Args) => Result;

/**
 * Replaces the method `name` of one object until the returned function is called. If other code has
 * wrapped the method again by then, the replacement stays and only calls the original method.
 */
export function overrideMethod<Args extends unknown[], Result>(
  target: object,
  name: string,
  override: (self: object, args: Args, inner: InnerMethod<Args, Result>) => Result,
): () => void {
  const own = Object.getOwnPropertyDescriptor(target, name);
  let isActive = true;
  const inner: InnerMethod<Args, Result> = (self, args) => {
    // An inherited method is looked up at each call, because tracing may patch the class later.
    const holder: object =
      own === undefined ? Object.getPrototypeOf(target) : { [name]: own.value };
    return Reflect.apply(Reflect.get(holder, name), self, args);
  };
  function replacement(this: object, ...args: Args): Result {
    return isActive ? override(this, args, inner) : inner(this, args);
  }
  Object.defineProperty(target, name, { value: replacement, writable: true, configurable: true });
  return () => {
    isActive = false;
    if (Reflect.get(target, name) !== replacement) return;
    if (own === undefined) Reflect.deleteProperty(target, name);
    else Object.defineProperty(target, name, own);
  };
}
