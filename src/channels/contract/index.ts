/** The contract of channels: topics and calls with their schemas, and the types that follow from them. */
export { bytes, type BytesSchema, isBytesSchema } from "./bytes.ts";
export { checkContract } from "./check-contract.ts";
export {
  type CallDefinition,
  type CheckCall,
  type CheckContract,
  type CheckError,
  type CheckTopic,
  type Contract,
  defineContract,
  type TopicDefinition,
} from "./contract.ts";
export type * from "./contract-types.ts";
export type * from "./json-types.ts";
export type * from "./schema-types.ts";
