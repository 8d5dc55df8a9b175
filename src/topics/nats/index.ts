/**
 * `tideway/topics/nats`: topics of many nodes, on NATS JetStream.
 *
 * ```ts
 * import { jetstream } from "@nats-io/jetstream";
 * import { connect } from "@nats-io/transport-node";
 * import { Topics } from "tideway/topics";
 * import { NatsBroker } from "tideway/topics/nats";
 *
 * const connection = await connect({ servers: "localhost", maxReconnectAttempts: -1 });
 * const broker = await NatsBroker.open(connection, jetstream(connection));
 * const topics = new Topics({ broker });
 * ```
 *
 * @module
 */
export { NatsBroker, type NatsBrokerOptions } from "./nats-broker.ts";
export type {
  NatsConnection,
  NatsJetStream,
  NatsManager,
  NatsMessage,
  NatsStoredMessage,
  NatsStreamConfig,
  NatsSubscription,
} from "./nats-client.ts";
