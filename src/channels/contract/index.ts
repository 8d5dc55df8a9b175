/** The contract of channels: topics and calls with their schemas, and the types that follow from them. */
export { bytes } from "./bytes.ts";
export type * from "./contract-types.ts";
export type * from "./json-types.ts";
export type * from "./schema-types.ts";
