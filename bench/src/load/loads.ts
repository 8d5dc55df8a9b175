/**
 * The kinds of load. Each is described here, and done in the file of its name in this folder; a new
 * kind is a new member of `Load` and a new line in `main.ts`.
 */
export type Load = ServerLoad | ClientLoad | MemoryLoad;

/** What is done to a server under test, and measured in processor time. */
export type ServerLoad = EchoLoad | BroadcastLoad | FixedRateLoad | HandshakeLoad | RequestsLoad;

/** What is done to a client under test, and measured in processor time. */
export type ClientLoad = ClientReceiveLoad | ClientSendLoad;

/** What is measured in bytes of memory. */
export type MemoryLoad = IdleLoad | UnreadLoad | ClientUnreadLoad;

export interface MessageShape {
  /** Random bytes, or text: random ASCII, text of many scripts, or JSON as an API would send it. */
  readonly payload: "binary" | "ascii" | "utf8" | "json";
  readonly payloadBytes: number;
  /** Offers permessage-deflate (RFC 7692), with or without context takeover, and insists on it. */
  readonly deflate?: "no takeover" | "takeover";
}

/** Each connection keeps `inFlight` messages on their way and sends one more for each that returns. */
export interface EchoLoad extends MessageShape {
  readonly kind: "echo";
  readonly connections: number;
  readonly inFlight: number;
}

/**
 * A publisher sends `P!` and a text, which the server is to send on, without the `P!`, to every
 * connection and so to the publisher too, who keeps `inFlight` on their way. Deliveries count.
 */
export interface BroadcastLoad extends MessageShape {
  readonly kind: "broadcast";
  readonly payload: "ascii";
  readonly connections: number;
  readonly inFlight: number;
}

/** Evenly spaced messages at a rate that no server has trouble with; each is to be echoed. */
export interface FixedRateLoad extends MessageShape {
  readonly kind: "fixed-rate";
  readonly connections: number;
  readonly messagesPerSecond: number;
}

/** Connects, opens and closes, `connections` at a time. */
export interface HandshakeLoad {
  readonly kind: "handshake";
  readonly connections: number;
}

/** Plain HTTP requests: each connection sends one, and the next when it is answered. */
export interface RequestsLoad {
  readonly kind: "requests";
  readonly connections: number;
}

/** Opens connections and leaves them alone, after one echo each where there is a message. */
export interface IdleLoad {
  readonly kind: "idle";
  readonly connections: number;
  readonly echoOnce?: MessageShape;
}

/** Sends up to `totalBytes` to a server that never reads, until it no longer takes any. */
export interface UnreadLoad extends MessageShape {
  readonly kind: "unread";
  readonly totalBytes: number;
}

/** The same to a client that never reads. */
export interface ClientUnreadLoad extends MessageShape {
  readonly kind: "client-unread";
  readonly totalBytes: number;
}

/**
 * Sends batches as fast as the client answers them: one small text a batch, two batches on their way
 * on each connection.
 */
export interface ClientReceiveLoad extends MessageShape {
  readonly kind: "client-receive";
  readonly connections: number;
}

/** The client sends batches, and one more for each small text that answers one. */
export interface ClientSendLoad extends MessageShape {
  readonly kind: "client-send";
  readonly connections: number;
}

/** The load in words. */
export function describeLoad(load: Load): string {
  switch (load.kind) {
    case "echo":
      return `echo, ${messages(load)}, ${connections(load)}, ${load.inFlight} in flight`;
    case "broadcast":
      return `broadcast, ${messages(load)}, 1 to ${load.connections}, ${load.inFlight} outstanding`;
    case "fixed-rate":
      return `echo at ${grouped(load.messagesPerSecond)} messages/s, ${messages(load)}, ${connections(load)}`;
    case "handshake":
      return `handshake and close, ${load.connections} at once`;
    case "requests":
      return `HTTP requests, ${connections(load)}, 1 in flight`;
    case "idle": {
      const echo =
        load.echoOnce === undefined ? "idle" : `after one echo, ${messages(load.echoOnce)}`;
      return `memory a connection, ${grouped(load.connections)} ${echo}`;
    }
    case "unread":
    case "client-unread": {
      const role = load.kind === "unread" ? "server" : "client";
      return `memory of a ${role} that does not read ${size(load.totalBytes)}, ${messages(load)}`;
    }
    case "client-receive":
      return `client receives ${messages(load)}, ${connections(load)}`;
    case "client-send":
      return `client sends ${messages(load)}, ${connections(load)}`;
  }
}

function messages({ payload, payloadBytes, deflate }: MessageShape): string {
  const text = { binary: "binary", ascii: "text", utf8: "non-ASCII text", json: "JSON" }[payload];
  const deflated = deflate === undefined ? "" : `, deflate with ${deflate}`;
  return `${size(payloadBytes)} ${text}${deflated}`;
}

function connections(load: { readonly connections: number }): string {
  return `${grouped(load.connections)} connections`;
}

function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 ** 2) return `${bytes / 1024} KiB`;
  return bytes < 1024 ** 3 ? `${bytes / 1024 ** 2} MiB` : `${bytes / 1024 ** 3} GiB`;
}

function grouped(count: number): string {
  return count.toLocaleString("en");
}
