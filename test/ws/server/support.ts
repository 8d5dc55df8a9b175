import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import type { ServerOptions } from "../../../src/ws/server-options.ts";
import { WebSocketServer } from "../../../src/ws/web-socket-server.ts";
import { handshake, RawClient } from "../../support/clients.ts";

/** Starts a server on a free port, and closes it and its sockets after the test. */
export async function startServer(options: ServerOptions = {}): Promise<WebSocketServer> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", ...options });
  closeAfterTest(server);
  await once(server, "listening");
  return server;
}

export function closeAfterTest(server: WebSocketServer): void {
  onTestFinished(() => {
    for (const client of server.clients ?? []) client.terminate();
    server.close();
  });
}

export function portOf(server: Pick<WebSocketServer, "address">): number {
  return (server.address() as AddressInfo).port;
}

/** Sends a handshake with the given fields. Its answer is the head of the response, or the whole response. */
export async function ask(
  server: number | WebSocketServer,
  fields: Record<string, string | string[] | undefined> = {},
  requestLine?: string,
): Promise<string> {
  const client = connectRaw(server, fields, requestLine);
  const head = await Promise.race([client.receives("\r\n\r\n"), client.closed()]);
  return head.startsWith("HTTP/1.1 101") ? head : await client.closed();
}

/** Sends a handshake, and returns the connection. */
export function connectRaw(
  server: number | WebSocketServer,
  fields: Record<string, string | string[] | undefined> = {},
  requestLine?: string,
): RawClient {
  const client = new RawClient(typeof server === "number" ? server : portOf(server));
  onTestFinished(() => void client.socket.destroy());
  return client.send(handshake("/", fields, requestLine));
}

/** The status line without its protocol, and the body. */
export function statusAndBody(response: string): [status: string, body: string] {
  const [head, body] = response.split("\r\n\r\n");
  return [head.split("\r\n")[0].replace("HTTP/1.1 ", ""), body];
}

/** The value of a field of a response. */
export function fieldOf(response: string, name: string): string | undefined {
  return new RegExp(String.raw`^${name}: (.*)\r$`, "im").exec(response)?.[1];
}
