/**
 * `tideway/testing`: tests clients and servers in memory, without ports, and with fake timers and network
 * faults. `brokerSuite` tests an implementation of `Broker`.
 *
 * @module
 */
export type { BrokerCase, BrokerHarness } from "./broker/broker-case.ts";
export { brokerSuite } from "./broker/broker-suite.ts";
export type { ChannelCase } from "./channels/channel-case.ts";
export type * from "./channels/client-driver.ts";
export { channelClientScripts } from "./channels/client-scripts/index.ts";
export { channelClientSuite } from "./channels/client-suite.ts";
export type * from "./channels/script.ts";
export { channelServerScripts } from "./channels/server-scripts/index.ts";
export { type ChannelServerHarness, channelServerSuite } from "./channels/server-suite.ts";
export { connectedPair, type ConnectedPair, type PairOptions } from "./connected-pair.ts";
export { type LinkOptions, MemoryLink } from "./memory-link.ts";
export { MemoryNetwork } from "./memory-network.ts";
