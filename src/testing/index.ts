/**
 * `tideway/testing`: clients and servers connected in memory, for tests without ports, and with
 * faults when they are wanted; and what every `Broker` of topics has to do.
 *
 * @module
 */
export { type BrokerCase, type BrokerHarness, brokerSuite } from "./broker/broker-suite.ts";
export { connectedPair, type ConnectedPair, type PairOptions } from "./connected-pair.ts";
export { type LinkOptions, MemoryLink } from "./memory-link.ts";
export { MemoryNetwork } from "./memory-network.ts";
