/**
 * `tideway/testing`: tests clients and servers in memory, without ports, and with fake timers and network
 * faults. `brokerSuite` tests an implementation of `Broker`.
 *
 * @module
 */
export type { BrokerCase, BrokerHarness } from "./broker/broker-case.ts";
export { brokerSuite } from "./broker/broker-suite.ts";
export { connectedPair, type ConnectedPair, type PairOptions } from "./connected-pair.ts";
export { type LinkOptions, MemoryLink } from "./memory-link.ts";
export { MemoryNetwork } from "./memory-network.ts";
