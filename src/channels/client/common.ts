/** The exports that the entry points for Node and for browsers share. */
export { bytes, defineContract } from "../contract/index.ts";
export { ChannelError, PublicationsLostError } from "../wire/channel-error.ts";
export type { ChannelErrorCode, ChannelErrorDetails } from "../wire/channel-error.ts";
export type * from "../contract/index.ts";
export type * from "./call-interface.ts";
export type * from "./client-interface.ts";
export type * from "./connect-interface.ts";
export type * from "./topic-interface.ts";
