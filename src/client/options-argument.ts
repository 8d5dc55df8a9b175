/**
 * Whether the second argument of a constructor is a record of options. By the standard it is a
 * subprotocol or a sequence of them; any other object is our extension.
 */
export function isOptions<Options extends object>(argument: unknown): argument is Options {
  return typeof argument === "object" && argument !== null && !(Symbol.iterator in argument);
}
