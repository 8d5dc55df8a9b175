import { checkContract } from "../contract/check-contract.ts";
import type { CheckContract, Contract } from "../contract/contract.ts";
import { type DataClient, validateReceived } from "./validate-received.ts";

/**
 * Defines a contract, which the client and the server import. Returns its argument, after checking it.
 *
 * @example
 * ```ts
 * export const contract = defineContract({
 *   topics: { "rooms/:room": { message: Message, member: Member } },
 *   calls: { "math/add": { input: Numbers, output: Sum } },
 * });
 * ```
 * @throws UsageError `INVALID_CONTRACT` if a part is missing, unknown, or of the wrong type
 * @throws UsageError `INVALID_SCHEMA` for a schema that does not implement Standard Schema 1
 * @throws UsageError `INVALID_TOPIC_PATTERN` for a topic pattern that is not valid
 * @throws UsageError `OVERLAPPING_TOPICS` if one name can match two patterns
 */
export function defineContract<const C extends Contract>(contract: C & CheckContract<C>): C {
  checkContract(contract);
  // A method of the contract, so that pages without a contract do not load the code.
  Object.defineProperty(contract, "validateReceived", {
    value: (client: DataClient) => validateReceived(client, contract),
    configurable: true,
  });
  return contract;
}
