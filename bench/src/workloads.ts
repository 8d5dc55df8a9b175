/** A server program under `servers/`, with the argument it is started with. */
export interface ServerProgram {
  readonly name: string;
  readonly file: string;
  readonly argument?: string;
  /** Whether it speaks WebSocket; else it echoes bare bytes, as many as the frames would have. */
  readonly framed: boolean;
}

const tideway: ServerProgram = { name: "tideway", file: "tideway.js", framed: true };
const iteration: ServerProgram = {
  name: "tideway, for await",
  file: "tideway.js",
  argument: "iterate",
  framed: true,
};
const ws: ServerProgram = { name: "ws", file: "ws.js", framed: true };
const wsAsStrings: ServerProgram = {
  name: "ws, as strings",
  file: "ws.js",
  argument: "strings",
  framed: true,
};
const net: ServerProgram = { name: "bare net", file: "net.js", framed: false };

/** Each connection keeps `inFlight` messages on their way and sends one more for each that returns. */
export interface EchoWorkload {
  readonly kind: "echo";
  readonly name: string;
  readonly opcode: "text" | "binary";
  readonly payloadBytes: number;
  readonly connections: number;
  readonly inFlight: number;
  /** The first is what the others are compared with. */
  readonly servers: readonly ServerProgram[];
}

/** What the load client can be told to do; a new kind of load is a new member here. */
export type Workload = EchoWorkload;

export const WORKLOADS: readonly Workload[] = [
  echo("binary-125", 125, 16),
  echo("binary-20-single", 20, 1),
  echo("binary-1k", 1024, 16),
  echo("binary-16k", 16 * 1024, 16),
  {
    ...echo("text-125", 125, 16),
    opcode: "text",
    // `ws` hands text out as bytes: it is measured echoing those, and with a string made of them.
    servers: [ws, tideway, wsAsStrings, net],
  },
  {
    ...echo("iteration-125", 125, 16),
    // What a loop over the messages costs beside a callback for each.
    servers: [tideway, iteration],
  },
];

function echo(name: string, payloadBytes: number, inFlight: number): EchoWorkload {
  return {
    kind: "echo",
    name,
    opcode: "binary",
    payloadBytes,
    connections: 64,
    inFlight,
    servers: [ws, tideway, net],
  };
}

/** The workload in words. */
export function describeWorkload(workload: Workload): string {
  const { payloadBytes, opcode, connections, inFlight } = workload;
  const size = payloadBytes < 1024 ? `${payloadBytes} B` : `${payloadBytes / 1024} KiB`;
  return `${size} ${opcode}, ${connections} connections, ${inFlight} in flight`;
}
