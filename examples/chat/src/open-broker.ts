import type { Broker } from "tideway/topics";
import { CONVERSATION } from "./conversation.ts";
import { HISTORY_SIZE } from "./other-examples.ts";
import { SettingsError } from "./settings.ts";

/** A broker, and a function that closes it with its connection. */
export interface SharedBroker {
  /** Absent for the broker in memory, with which this server is the only server of the chat. */
  readonly broker?: Broker;
  readonly close: () => Promise<void>;
}

/** The timeout for the first connection. A connection that is lost later reconnects automatically. */
const CONNECT_TIMEOUT_MS = 3_000;

/**
 * Opens the broker at this URL. Loads the client library only now, so that it is optional.
 *
 * @throws SettingsError
 */
export async function openBroker(url: string | undefined): Promise<SharedBroker> {
  if (url === undefined) return { close: async () => {} };
  const { protocol, host } = readUrl(url);
  try {
    return await (protocol === "nats:" ? openNats(url) : openRedis(url));
  } catch (error) {
    throw new SettingsError(`No broker answers at ${protocol}//${host} (${explain(error)}).`, {
      cause: error,
    });
  }
}

async function openRedis(url: string): Promise<SharedBroker> {
  const { createClient } = await import("redis");
  const { RedisBroker } = await import("tideway/topics/redis");
  const client = createClient({ url });
  // The client keeps trying to reconnect. The chat's pending calls report the error.
  client.on("error", () => {});
  client.connect().catch(() => {});
  try {
    const broker = await RedisBroker.open(client, { connectTimeoutMs: CONNECT_TIMEOUT_MS });
    return {
      broker,
      close: async () => {
        await broker.close();
        client.destroy();
      },
    };
  } catch (error) {
    client.destroy();
    throw error;
  }
}

async function openNats(url: string): Promise<SharedBroker> {
  const { connect } = await import("@nats-io/transport-node");
  const { jetstream } = await import("@nats-io/jetstream");
  const { NatsBroker } = await import("tideway/topics/nats");
  const { host, username, password } = new URL(url);
  const connection = await connect({
    servers: host,
    timeout: CONNECT_TIMEOUT_MS,
    maxReconnectAttempts: -1,
    ...(username === "" ? {} : { user: decodeURIComponent(username) }),
    ...(password === "" ? {} : { pass: decodeURIComponent(password) }),
  });
  const { historyAgeMs: maxAgeMs, idWindowMs } = CONVERSATION;
  try {
    const broker = await NatsBroker.open(connection, jetstream(connection), {
      historySize: HISTORY_SIZE,
      maxAgeMs,
      idWindowMs,
    });
    return {
      broker,
      close: async () => {
        await broker.close();
        await connection.close();
      },
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

function readUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && ["redis:", "rediss:", "nats:"].includes(url.protocol)) return url;
  throw new SettingsError(
    `--broker is ${JSON.stringify(text)}, which is not a URL with redis:, rediss: or nats:.`,
  );
}

/** The reason why a connection failed: the system's code, without the address, or a message. */
function explain(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return explain(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  if (error.cause !== undefined) return explain(error.cause);
  return "code" in error && typeof error.code === "string" ? error.code : error.message;
}
