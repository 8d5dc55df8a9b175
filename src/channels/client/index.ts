/** The client of channels. Each runtime passes its own reconnecting WebSocket. */
export { createClient } from "./channel-client.ts";
export type { Connect } from "./connect-interface.ts";
