/** The client of channels. Each runtime passes its own reconnecting WebSocket. */
export {
  ChannelClient as ChannelClientBase,
  type ChannelClientEnvironment,
} from "./channel-client.ts";
export type { Connect } from "./connect-interface.ts";
