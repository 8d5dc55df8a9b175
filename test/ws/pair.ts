import { once } from "node:events";
import { createServer, connect, type Socket, type AddressInfo } from "node:net";
import { WebSocket } from "../../src/ws/index.ts";
import type { SocketOptions } from "../../src/ws/socket/socket-options.ts";

const NOTHING = Buffer.alloc(0);

/** Connects two TCP sockets. */
async function socketPair(): Promise<[client: Socket, server: Socket]> {
  const listener = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  const client = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const connections = [once(listener, "connection"), once(client, "connect")];
  const [[server]] = (await Promise.all(connections)) as [[Socket], []];
  listener.close();
  return [client, server];
}

/** Opens a WebSocket of each role over TCP. */
export async function webSocketPair(
  options: { client?: SocketOptions; server?: SocketOptions } = {},
): Promise<{ client: WebSocket; server: WebSocket }> {
  const [clientSocket, serverSocket] = await socketPair();
  const client = new WebSocket(null, undefined, { ...options.client, isServer: false });
  const server = new WebSocket(null, undefined, options.server ?? {});
  server.setSocket(serverSocket, NOTHING, options.server);
  client.setSocket(clientSocket, NOTHING, options.client);
  return { client, server };
}
