import {
  type BroadcastLoad,
  type ClientLoad,
  describeLoad,
  type EchoLoad,
  type Load,
  type MessageShape,
} from "./load/loads.ts";
import {
  client,
  clients,
  http2Servers,
  nameOf,
  nativeServers,
  type Program,
  scalingServers,
  server,
  servers,
  tlsServers,
  twoCoreServers,
  tidewayWs,
} from "./programs.ts";

/** One row of the tables: a load and the programs that it is applied to. */
export interface Workload {
  readonly name: string;
  readonly load: Load;
  /** The difference to another workload with the same load. */
  readonly remark?: string;
  /** The programs to compare. Ratios are relative to the first program. */
  readonly programs: readonly Program[];
  /** Whether a further column has the ratios to the last program. */
  readonly isComparedWithLast?: boolean;
  /** The target for this package: a ratio to the first program, or bytes per connection. */
  readonly target?: Target;
}

/** Less is better for memory and for the load with a fixed rate, and more is better for all others. */
export interface Target {
  readonly required: number;
  /** More ambitious than `required`. */
  readonly aim: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

const wsAsStrings: Program = { ...server("ws", "strings"), name: "ws, as strings" };
const tidewayOneByOne: Program = {
  ...server("tideway", "broadcast", "one-by-one"),
  name: "tideway, not prepared",
};
const wsBuffers: Program = { ...client("ws", "receive", "buffers"), name: "ws, as Buffers" };

const BROADCASTERS: readonly Program[] = [
  ...servers("broadcast", ["ws", "tideway", "bun"]),
  tidewayOneByOne,
];

const TOPIC_BROADCASTERS: readonly Program[] = [
  server("ws", "broadcast"),
  server("tideway", "topic"),
  server("bun", "broadcast"),
];

const CHANNELS: Program = {
  ...server("tideway", "channels"),
  name: "tideway channels",
  dialect: "channels",
};

const OVER_HTTP2 = "over HTTP/2, compared with HTTP/1.1 with TLS";

const SAME_PROGRAM = "the same program";

export const WORKLOADS: readonly Workload[] = [
  {
    name: "binary-20-single",
    load: echo("binary", 20, { inFlight: 1 }),
    programs: servers("echo"),
    target: { required: 1.35, aim: 1.5 },
  },
  {
    name: "binary-20-single-1000",
    load: echo("binary", 20, { inFlight: 1, connections: 1000 }),
    programs: servers("echo"),
    target: { required: 1.35, aim: 1.5 },
  },
  {
    name: "binary-125-single",
    load: echo("binary", 125, { inFlight: 1 }),
    programs: servers("echo"),
    target: { required: 1.35, aim: 1.5 },
  },
  {
    name: "binary-125-single-1000",
    load: echo("binary", 125, { inFlight: 1, connections: 1000 }),
    programs: servers("echo"),
    target: { required: 1.35, aim: 1.5 },
  },
  {
    name: "binary-1k-single",
    load: echo("binary", KIB, { inFlight: 1 }),
    programs: servers("echo"),
    target: { required: 1.45, aim: 1.65 },
  },
  {
    name: "binary-125",
    load: echo("binary", 125),
    programs: servers("echo"),
    target: { required: 9.5, aim: 12 },
  },
  {
    name: "binary-125-1000",
    load: echo("binary", 125, { connections: 1000 }),
    programs: servers("echo"),
    target: { required: 9.5, aim: 12 },
  },
  {
    name: "text-125",
    load: echo("ascii", 125),
    // `ws` delivers text as bytes. One program echoes these bytes, another one a string.
    programs: [...servers("echo"), wsAsStrings],
    target: { required: 9.5, aim: 11 },
  },
  {
    name: "binary-1k",
    load: echo("binary", KIB),
    programs: servers("echo"),
    target: { required: 8, aim: 12 },
  },
  {
    name: "binary-16k",
    load: echo("binary", 16 * KIB),
    programs: servers("echo"),
    target: { required: 4, aim: 5.5 },
  },
  {
    name: "binary-1m",
    load: echo("binary", MIB, { connections: 8, inFlight: 4 }),
    programs: servers("echo"),
    target: { required: 2.5, aim: 4 },
  },
  {
    name: "utf8-1k",
    load: echo("utf8", KIB),
    programs: [wsAsStrings, ...servers("echo", ["tideway", "bun"])],
    target: { required: 3.3, aim: 5 },
  },
  {
    name: "iteration-125",
    load: echo("binary", 125),
    remark: "for await compared with listen",
    programs: [
      server("tideway", "echo"),
      { ...server("tideway", "iterate"), name: "tideway, for await" },
    ],
    target: { required: 0.92, aim: 0.97 },
  },
  {
    name: "broadcast",
    load: broadcast(8),
    programs: BROADCASTERS,
    target: { required: 10, aim: 12 },
  },
  {
    name: "broadcast-single",
    load: broadcast(1),
    programs: BROADCASTERS,
    target: { required: 1.25, aim: 1.5 },
  },
  {
    name: "topic",
    load: broadcast(8),
    remark: "through a topic in memory",
    programs: TOPIC_BROADCASTERS,
    target: { required: 10, aim: 12 },
  },
  {
    name: "topic-single",
    load: broadcast(1),
    remark: "through a topic in memory",
    programs: TOPIC_BROADCASTERS,
    target: { required: 1.25, aim: 1.5 },
  },
  {
    name: "deflate-no-takeover-single",
    load: echo("json", KIB, { inFlight: 1, deflate: "no takeover" }),
    programs: deflating("no-takeover"),
    target: { required: 3.3, aim: 4 },
  },
  {
    name: "deflate-no-takeover",
    load: echo("json", KIB, { inFlight: 8, deflate: "no takeover" }),
    programs: deflating("no-takeover"),
    target: { required: 4.4, aim: 5 },
  },
  {
    name: "deflate-takeover",
    load: echo("json", KIB, { inFlight: 8, deflate: "takeover" }),
    programs: deflating("takeover"),
    target: { required: 4, aim: 7 },
  },
  {
    name: "handshake",
    load: { kind: "handshake", connections: 16 },
    programs: servers("echo", ["ws", "tideway", "bun"]),
    target: { required: 1.6, aim: 2.8 },
  },
  {
    name: "http-requests",
    load: { kind: "requests", connections: 64 },
    programs: servers("requests", ["http", "tideway"]),
    target: { required: 0.5, aim: 0.7 },
  },
  {
    name: "fixed-rate",
    load: {
      kind: "fixed-rate",
      payload: "binary",
      payloadBytes: 125,
      connections: 64,
      messagesPerSecond: 10_000,
    },
    programs: servers("echo"),
    target: { required: 0.9, aim: 0.6 },
  },
  {
    name: "idle",
    load: { kind: "idle", connections: 10_000 },
    programs: [server("ws", "idle"), ...servers("echo", ["tideway", "bun"])],
    target: { required: 5800, aim: 2500 },
  },
  {
    name: "idle-deflated",
    load: {
      kind: "idle",
      connections: 10_000,
      echoOnce: { payload: "json", payloadBytes: KIB, deflate: "no takeover" },
    },
    programs: deflating("no-takeover"),
    target: { required: 10_000, aim: 9000 },
  },
  unread("1k", KIB),
  unread("64k", 64 * KIB),
  unread("1m", MIB),
  {
    name: "client-unread-64k",
    load: { kind: "client-unread", payload: "binary", payloadBytes: 64 * KIB, totalBytes: GIB },
    programs: [client("ws", "unread"), client("tideway", "unread")],
  },
  {
    name: "client-receive-125",
    load: clientLoad("client-receive", "binary", 125),
    programs: [...clients("receive"), wsBuffers],
    target: { required: 2.2, aim: 2.4 },
  },
  {
    name: "client-receive-text-125",
    load: clientLoad("client-receive", "ascii", 125),
    programs: clients("receive"),
    target: { required: 2, aim: 2.3 },
  },
  {
    name: "client-receive-16k",
    load: clientLoad("client-receive", "binary", 16 * KIB),
    programs: [...clients("receive"), wsBuffers],
    target: { required: 1.5, aim: 1.7 },
  },
  {
    name: "client-send-125",
    load: clientLoad("client-send", "binary", 125),
    programs: clients("send"),
    target: { required: 20, aim: 35 },
  },
  {
    name: "client-send-16k",
    load: clientLoad("client-send", "binary", 16 * KIB),
    programs: clients("send"),
    target: { required: 4, aim: 5 },
  },
  {
    name: "tls-125",
    load: echo("binary", 125),
    remark: "over TLS",
    programs: tlsServers(),
    target: { required: 5, aim: 6 },
  },
  {
    name: "tls-16k",
    load: echo("binary", 16 * KIB),
    remark: "over TLS",
    programs: tlsServers(),
    target: { required: 2, aim: 2.3 },
  },
  {
    name: "http2-125",
    load: echo("binary", 125),
    remark: OVER_HTTP2,
    programs: http2Servers(),
    target: { required: 0.5, aim: 0.8 },
  },
  {
    name: "http2-125-single",
    load: echo("binary", 125, { inFlight: 1 }),
    remark: OVER_HTTP2,
    programs: http2Servers(),
    target: { required: 0.5, aim: 0.8 },
  },
  {
    name: "http2-16k",
    load: echo("binary", 16 * KIB),
    remark: OVER_HTTP2,
    programs: http2Servers(),
    target: { required: 0.5, aim: 0.8 },
  },
  {
    name: "two-cores-125",
    load: echo("binary", 125),
    remark: "two processes on one port",
    programs: twoCoreServers(),
  },
  {
    name: "two-cores-scaling",
    load: echo("binary", 125),
    remark: "two processes compared with one, for each second of processor time",
    programs: scalingServers(),
  },
  {
    name: "channels-calls",
    load: { kind: "calls", connections: 64, inFlight: 8 },
    remark: "channels compared with emitWithAck",
    programs: [{ ...server("socket.io", "calls"), dialect: "socket.io" }, CHANNELS],
    target: { required: 5, aim: 7 },
  },
  {
    name: "channels-publications",
    load: { kind: "publications", payloadBytes: 125, connections: 1000, inFlight: 8 },
    remark: "channels compared with topics",
    programs: [
      { ...server("tideway", "publications"), name: "tideway topics", dialect: "hand-made" },
      CHANNELS,
    ],
    target: { required: 0.95, aim: 1.1 },
  },
  {
    name: "channels-idle",
    load: { kind: "idle", connections: 10_000 },
    remark: "with 10 subscriptions, compared with a bare connection",
    programs: [server("tideway", "echo"), CHANNELS],
  },
  ...(["bun", "deno"] as const).flatMap((runtime) => [
    native(runtime, "125", echo("binary", 125)),
    native(runtime, "125-single", echo("binary", 125, { inFlight: 1 })),
    native(runtime, "1k", echo("binary", KIB)),
    native(runtime, "16k", echo("binary", 16 * KIB)),
    native(runtime, "broadcast", broadcast(8), "broadcast"),
    native(runtime, "broadcast-single", broadcast(1), "broadcast"),
  ]),
  wsInterface("125", echo("binary", 125), "echo", 6),
  wsInterface("1k", echo("binary", KIB), "echo", 5),
  wsInterface("16k", echo("binary", 16 * KIB), "echo", 3),
  wsInterface("broadcast", broadcast(8), "broadcast", 6),
  wsInterface(
    "deflate",
    echo("json", KIB, { deflate: "no takeover" }),
    "deflate",
    4,
    "no-takeover",
  ),
  {
    name: "ws-face-idle",
    load: { kind: "idle", connections: 10_000 },
    remark: SAME_PROGRAM,
    programs: [server("ws", "idle"), tidewayWs("idle"), server("tideway", "echo")],
    isComparedWithLast: true,
  },
];

/** Describes a workload in words. */
export function describeWorkload({ load, remark }: Workload): string {
  return remark === undefined ? describeLoad(load) : `${describeLoad(load)}, ${remark}`;
}

/** An echo load. Default: 64 connections, with 16 messages in flight on each. */
function echo(
  payload: MessageShape["payload"],
  payloadBytes: number,
  rest: Partial<EchoLoad> = {},
): EchoLoad {
  return { kind: "echo", payload, payloadBytes, connections: 64, inFlight: 16, ...rest };
}

function broadcast(inFlight: number): BroadcastLoad {
  return { kind: "broadcast", payload: "ascii", payloadBytes: 125, connections: 1000, inFlight };
}

function deflating(context: "no-takeover" | "takeover"): readonly Program[] {
  return (["ws", "tideway", "bun"] as const).map((library) => server(library, "deflate", context));
}

/** A workload for `tideway/ws`. It is also compared with `tideway/server`, which should be only a little faster. */
function wsInterface(
  name: string,
  load: Load,
  feature: string,
  required: number,
  ...argv: readonly string[]
): Workload {
  return {
    name: `ws-face-${name}`,
    load,
    remark: SAME_PROGRAM,
    programs: [
      server("ws", feature, ...argv),
      tidewayWs(feature, ...argv),
      server("tideway", feature, ...argv),
    ],
    isComparedWithLast: true,
    target: { required, aim: required * 1.25 },
  };
}

/** The server of a runtime, compared with this package in the same runtime. */
function native(runtime: "bun" | "deno", name: string, load: Load, feature = "echo"): Workload {
  return {
    name: `native-${runtime}-${name}`,
    load,
    remark: `in ${nameOf(runtime)}`,
    programs: nativeServers(runtime, feature),
  };
}

function unread(size: string, payloadBytes: number): Workload {
  return {
    name: `unread-${size}`,
    load: { kind: "unread", payload: "binary", payloadBytes, totalBytes: GIB },
    programs: servers("unread", ["ws", "tideway"]),
  };
}

function clientLoad(
  kind: ClientLoad["kind"],
  payload: MessageShape["payload"],
  payloadBytes: number,
): ClientLoad {
  return { kind, payload, payloadBytes, connections: 8 };
}
