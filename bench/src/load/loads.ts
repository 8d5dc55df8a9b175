/**
 * The kinds of load. Each is described here, and implemented in the file of its name in this folder. To add a
 * kind, add a member to `Load` and a case to `main.ts`.
 */
export type Load = ServerLoad | ClientLoad | MemoryLoad;

/** A load for a server under test, measured in processor time. */
export type ServerLoad =
  | EchoLoad
  | BroadcastLoad
  | CallsLoad
  | PublicationsLoad
  | FixedRateLoad
  | HandshakeLoad
  | RequestsLoad;

/** A load for a client under test, measured in processor time. */
export type ClientLoad = ClientReceiveLoad | ClientSendLoad;

/** A load that is measured in bytes of memory. */
export type MemoryLoad = IdleLoad | UnreadLoad | ClientUnreadLoad;

export interface MessageShape {
  /** Random bytes, or text: random ASCII, text in several scripts, or a typical JSON response. */
  readonly payload: "binary" | "ascii" | "utf8" | "json";
  readonly payloadBytes: number;
  /** Requires permessage-deflate (RFC 7692), with or without context takeover. */
  readonly deflate?: "no takeover" | "takeover";
}

/** Each connection sends `inFlight` messages, and another one for each echo. */
export interface EchoLoad extends MessageShape {
  readonly kind: "echo";
  readonly connections: number;
  readonly inFlight: number;
}

/**
 * A publisher sends `P!` and a text. The server sends the text to every connection, including the publisher.
 * The publisher sends `inFlight` messages, and another one for each that it receives. Deliveries are counted.
 */
export interface BroadcastLoad extends MessageShape {
  readonly kind: "broadcast";
  readonly payload: "ascii";
  readonly connections: number;
  readonly inFlight: number;
}

/** Each connection keeps `inFlight` calls of an application open, in the dialect of the program. */
export interface CallsLoad {
  readonly kind: "calls";
  readonly connections: number;
  readonly inFlight: number;
}

/**
 * A publisher sends JSON to a program, which publishes it to `connections` subscribers in the dialect of the
 * program. `inFlight` publications are in flight. Deliveries are counted.
 */
export interface PublicationsLoad {
  readonly kind: "publications";
  readonly payloadBytes: number;
  readonly connections: number;
  readonly inFlight: number;
}

/** Sends evenly spaced messages, at a rate far below the capacity of each server, which echoes them. */
export interface FixedRateLoad extends MessageShape {
  readonly kind: "fixed-rate";
  readonly connections: number;
  readonly messagesPerSecond: number;
}

/** Opens and closes connections, `connections` at a time. */
export interface HandshakeLoad {
  readonly kind: "handshake";
  readonly connections: number;
}

/** Sends HTTP requests. Each connection sends the next request after the response. */
export interface RequestsLoad {
  readonly kind: "requests";
  readonly connections: number;
}

/**
 * Opens connections and keeps them idle. With `echoOnce`, each connection first gets one echo. If the program
 * has a dialect, each connection first exchanges its prelude.
 */
export interface IdleLoad {
  readonly kind: "idle";
  readonly connections: number;
  readonly echoOnce?: MessageShape;
}

/** Sends to a server that never reads, until it accepts no more bytes, or until `totalBytes` are sent. */
export interface UnreadLoad extends MessageShape {
  readonly kind: "unread";
  readonly totalBytes: number;
}

/** Sends to a client that never reads, like {@link UnreadLoad}. */
export interface ClientUnreadLoad extends MessageShape {
  readonly kind: "client-unread";
  readonly totalBytes: number;
}

/** Sends two batches of messages to each client, and another one for each small text that answers one. */
export interface ClientReceiveLoad extends MessageShape {
  readonly kind: "client-receive";
  readonly connections: number;
}

/** The client sends two batches, and another one for each small text that answers one. */
export interface ClientSendLoad extends MessageShape {
  readonly kind: "client-send";
  readonly connections: number;
}

/** Describes a load in words. */
export function describeLoad(load: Load): string {
  switch (load.kind) {
    case "echo":
      return `echo, ${messages(load)}, ${connections(load)}, ${load.inFlight} in flight`;
    case "broadcast":
      return `broadcast, ${messages(load)}, 1 to ${load.connections}, ${load.inFlight} in flight`;
    case "calls":
      return `calls, ${connections(load)}, ${load.inFlight} in flight`;
    case "publications":
      return `publications of ${size(load.payloadBytes)}, 1 to ${load.connections}, ${load.inFlight} in flight`;
    case "fixed-rate":
      return `echo at ${grouped(load.messagesPerSecond)} messages/s, ${messages(load)}, ${connections(load)}`;
    case "handshake":
      return `handshake and close, ${load.connections} at once`;
    case "requests":
      return `HTTP requests, ${connections(load)}, 1 in flight`;
    case "idle": {
      const echo =
        load.echoOnce === undefined ? "idle" : `after one echo, ${messages(load.echoOnce)}`;
      return `memory per connection, ${grouped(load.connections)} ${echo}`;
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
