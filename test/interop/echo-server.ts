import { type Server, serve, type Socket } from "tideway/server";
import type { Routes } from "../suite/transports.ts";
import { LARGEST } from "./messages.ts";

/** A page under `/` for a browser, and sockets that echo under `ws:/echo`. */
export const ECHO: Routes = {
  "/": () =>
    new Response("<!doctype html><title>interop</title>", {
      headers: { "content-type": "text/html" },
    }),
  "ws:/echo": {
    protocols: ["b", "a", ""],
    maxMessageBytes: LARGEST,
    handle: echo,
  },
  "ws:/shared": { compression: { context: "shared" }, handle: echo },
  "ws:/dedicated": { compression: { context: "dedicated" }, handle: echo },
  "ws:/farewell": async (socket: Socket) => {
    for await (const message of socket) socket.close(4001, String(message));
  },
};

/** The server of this package, over TCP. */
export function serveEcho(): Promise<Server> {
  return serve({ port: 0, host: "127.0.0.1", routes: ECHO });
}

async function echo(socket: Socket): Promise<void> {
  for await (const message of socket) socket.send(message);
}
