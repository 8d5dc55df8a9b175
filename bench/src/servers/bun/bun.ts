/** The part of Bun's interface that the programs here use. The types of Bun would replace the types of Node.js. */
export interface BunSocket {
  send(message: string | Uint8Array, isCompressed?: boolean): number;
  subscribe(topic: string): void;
}

interface BunServer {
  readonly port: number;
  upgrade(request: Request): boolean;
  publish(topic: string, message: string): number;
}

interface BunOptions {
  readonly port: number;
  readonly hostname: string;
  readonly reusePort?: boolean;
  readonly tls?: { readonly cert: string; readonly key: string };
  fetch(request: Request, server: BunServer): Response | undefined;
  readonly websocket: {
    readonly perMessageDeflate?:
      | boolean
      | { readonly compress: string; readonly decompress: string };
    readonly maxPayloadLength?: number;
    readonly backpressureLimit?: number;
    open?(socket: BunSocket): void;
    message(socket: BunSocket, message: string | Uint8Array): void;
  };
}

declare const Bun: { serve(options: BunOptions): BunServer };

/** Starts a server that accepts only WebSockets, on the loopback address. */
export function serve(
  websocket: BunOptions["websocket"],
  options: Partial<BunOptions> = {},
): BunServer {
  return Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    ...options,
    fetch: (request, server) =>
      server.upgrade(request) ? undefined : new Response(null, { status: 426 }),
    websocket: { perMessageDeflate: false, ...websocket },
  });
}
