/** The part of Deno's interface that the programs here use. The types of Deno would replace the types of Node.js. */
interface DenoServer {
  readonly addr: { readonly port: number };
}

interface DenoOptions {
  readonly port: number;
  readonly hostname: string;
  onListen(): void;
}

declare const Deno: {
  serve(options: DenoOptions, handler: (request: Request) => Response): DenoServer;
  upgradeWebSocket(
    request: Request,
    options: { readonly idleTimeout: number },
  ): { readonly socket: WebSocket; readonly response: Response };
};

/** Starts a server that accepts only WebSockets, on the loopback address. Returns its port. */
export function serve(onSocket: (socket: WebSocket) => void): number {
  const options = { port: 0, hostname: "127.0.0.1", onListen: () => {} };
  const { addr } = Deno.serve(options, (request) => {
    if (request.headers.get("upgrade") !== "websocket") return new Response(null, { status: 426 });
    const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
    socket.binaryType = "arraybuffer";
    onSocket(socket);
    return response;
  });
  return addr.port;
}
