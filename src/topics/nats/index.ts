/**
 * `tideway/topics/nats`: connect the topics of several servers through NATS JetStream.
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
export { NatsBroker } from "./nats-broker.ts";
export type {
  NatsConnection,
  NatsJetStream,
  NatsManager,
  NatsMessage,
  NatsPublishAck,
  NatsPublishOptions,
  NatsStoredMessage,
  NatsStreamConfig,
  NatsSubscription,
} from "./nats-client.ts";
export type { NatsBrokerOptions } from "./nats-options.ts";
