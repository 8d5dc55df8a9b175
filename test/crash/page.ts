/** The script of a page: clients of channels in a browser. */
import { ChannelClients } from "./channel-clients.ts";

Object.assign(globalThis, { ChannelClients });
