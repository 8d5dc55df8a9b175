import { CloseCode } from "../../errors/close-code.ts";
import { choiceByOffer } from "../../server/routes/protocol-choice.ts";
import type { ServerSocket } from "../../server/socket/server-socket.ts";
import type { WebSocketRoute } from "../../server/routes/web-socket-route.ts";
import { SUBPROTOCOL } from "../wire/frames.ts";
import type { ChannelsRouteOptions } from "./channels-interface.ts";
import { ChannelConnection } from "./connection.ts";
import type { ChannelsEnvironment } from "./environment.ts";

/** The start of the subprotocols of all versions. */
const ANY_VERSION = "tideway.channels.";

export function createRoute(
  environment: ChannelsEnvironment,
  options: ChannelsRouteOptions,
): WebSocketRoute {
  return {
    ...options,
    // Channels limit what each client may have in flight, and wait for slow clients.
    slowConsumer: "wait",
    protocols: choiceByOffer(chooseProtocol),
    handle: (socket, context) => {
      if (context.protocol !== SUBPROTOCOL && context.protocol !== "") {
        socket.listen(() => {});
        socket.send(JSON.stringify({ type: "versions", versions: [SUBPROTOCOL] }));
        socket.close(CloseCode.ProtocolError, `the server supports ${SUBPROTOCOL}`);
        return;
      }
      const connection = new ChannelConnection(environment, socket as ServerSocket, context);
      environment.connections.add(connection);
    },
  };
}

/** Any version is accepted, so that the server can tell the client its versions. */
function chooseProtocol(offered: readonly string[]): string {
  if (offered.includes(SUBPROTOCOL)) return SUBPROTOCOL;
  return offered.find((protocol) => protocol.startsWith(ANY_VERSION)) ?? "";
}
