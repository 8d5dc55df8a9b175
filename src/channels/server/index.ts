/**
 * `tideway/channels/server`: topics, calls and presence for clients, typed by one contract.
 *
 * @module
 */
import { ChannelsApi, type AnyChannelsOptions } from "./channels.ts";
import type { ContractShape } from "./compile.ts";

export {
  fail,
  Failure,
  type RefusalReason,
  Refusal,
  refuse,
  resumable,
  ResumableItem,
} from "./refusals.ts";

export function channels(contract: ContractShape, options: AnyChannelsOptions): ChannelsApi {
  return new ChannelsApi(contract, options);
}
