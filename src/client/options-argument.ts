/**
 * Whether the second argument of a constructor is a record of options. By the standard it is a
 * subprotocol or a sequence of them; any other object is our extension.
 */
export { isRecord as isOptions } from "../protocol/record.ts";
