/** Tests that the table in the docs counts as one row. */
export interface Area {
  readonly name: string;
  /** Paths from the root of the repository, without the ending of a file. */
  readonly paths: readonly string[];
}

/** A file belongs to the first area with a path that it begins with. */
export const AREAS: readonly Area[] = [
  { name: "conversations", paths: ["test/suite/conversation"] },
  {
    name: "channels",
    paths: ["test/suite/channels", "test/channels", "test/hostile/channels"],
  },
  { name: "hostile peers", paths: ["test/hostile"] },
  { name: "faults", paths: ["test/anomalies"] },
  { name: "compression", paths: ["test/protocol/deflate", "test/interop/compression"] },
  { name: "frames and messages", paths: ["test/protocol", "test/connection", "test/streams"] },
  { name: "client", paths: ["test/client", "test/node/client", "test/interop/our-client"] },
  { name: "HTTP/2", paths: ["test/node/http2"] },
  { name: "accelerators", paths: ["test/node/internals"] },
  { name: "server", paths: ["test/server", "test/node", "test/interop/our-server"] },
  {
    name: "topics on Redis and NATS",
    paths: ["test/topics/redis/", "test/topics/nats/", "test/topics/broker/debug-log.engine"],
  },
  { name: "topics in memory", paths: ["test/topics"] },
  { name: "the interface of ws", paths: ["test/ws"] },
];

/** The name of the area that a file belongs to. */
export function areaOf(file: string): string | undefined {
  return AREAS.find(({ paths }) => paths.some((path) => file.startsWith(path)))?.name;
}
