/** Adds to a class the properties that Web IDL requires and a `class` declaration does not create. */
export function exposeInterface(
  constructor: { readonly name: string; readonly prototype: object },
  constants: Readonly<Record<string, number>>,
  name: string,
): void {
  const { prototype } = constructor;
  for (const key of Object.getOwnPropertyNames(prototype)) {
    if (key !== "constructor") Object.defineProperty(prototype, key, { enumerable: true });
  }
  for (const [key, value] of Object.entries(constants)) {
    const constant = { value, enumerable: true, writable: false, configurable: false };
    Object.defineProperty(prototype, key, constant);
    Object.defineProperty(constructor, key, constant);
  }
  Object.defineProperty(prototype, Symbol.toStringTag, { value: name, configurable: true });
}
