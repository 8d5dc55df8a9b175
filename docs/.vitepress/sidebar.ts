/** The pages of the site in reading order. Files are relative to docs/. */

export interface Section {
  readonly text: string;
  readonly items: readonly Page[];
}

export interface Page {
  readonly text: string;
  readonly file: string;
}

export const SECTIONS: readonly Section[] = [
  {
    text: "Introduction",
    items: [
      { text: "Overview", file: "index.md" },
      { text: "Getting started", file: "getting-started.md" },
    ],
  },
  {
    text: "Guides",
    items: [
      { text: "Routes and HTTP", file: "guides/routes.md" },
      { text: "Authorization and sessions", file: "guides/authorization.md" },
      { text: "Sockets and backpressure", file: "guides/sockets.md" },
      { text: "Typed messages", file: "guides/typed-messages.md" },
      { text: "Compression", file: "guides/compression.md" },
      { text: "Reconnecting", file: "guides/reconnecting.md" },
      { text: "Topics", file: "guides/topics.md" },
      { text: "Channels", file: "guides/channels.md" },
      { text: "React", file: "guides/react.md" },
      { text: "Testing", file: "guides/testing.md" },
      { text: "Deploying", file: "guides/deploying.md" },
      { text: "The server of Bun", file: "guides/bun.md" },
      { text: "Debugging", file: "guides/debugging.md" },
      { text: "Web frameworks", file: "guides/frameworks.md" },
      { text: "Use it instead of ws", file: "guides/instead-of-ws.md" },
    ],
  },
  {
    text: "Coming from",
    items: [
      { text: "ws", file: "coming-from/ws.md" },
      { text: "Socket.IO", file: "coming-from/socket-io.md" },
      { text: "tRPC", file: "coming-from/trpc.md" },
      { text: "Phoenix", file: "coming-from/phoenix.md" },
      { text: "Bun.serve", file: "coming-from/bun.md" },
      { text: "Dart", file: "coming-from/dart.md" },
    ],
  },
  {
    text: "Reference",
    items: [
      { text: "Options", file: "options.md" },
      { text: "Channels protocol", file: "channels-protocol.md" },
      { text: "Architecture", file: "architecture.md" },
      { text: "Conformance", file: "conformance.md" },
      { text: "Security", file: "security.md" },
      { text: "Runtimes", file: "runtimes.md" },
      { text: "Performance", file: "performance.md" },
      { text: "Design notes", file: "design-notes.md" },
    ],
  },
];

/** Pages that are generated, and not committed. */
export const GENERATED_SECTIONS: readonly Section[] = [
  {
    text: "API",
    items: [
      { text: "All entry points", file: "api/index.md" },
      { text: "tideway", file: "api/tideway.md" },
      { text: "tideway/server", file: "api/tideway-server.md" },
      { text: "tideway/bun", file: "api/tideway-bun.md" },
      { text: "tideway/topics", file: "api/tideway-topics.md" },
      { text: "tideway/topics/redis", file: "api/tideway-topics-redis.md" },
      { text: "tideway/topics/nats", file: "api/tideway-topics-nats.md" },
      { text: "tideway/channels", file: "api/tideway-channels.md" },
      { text: "tideway/channels/server", file: "api/tideway-channels-server.md" },
      { text: "tideway/react", file: "api/tideway-react.md" },
      { text: "tideway/testing", file: "api/tideway-testing.md" },
      { text: "tideway/ws", file: "api/tideway-ws.md" },
      { text: "tideway/protocol", file: "api/tideway-protocol.md" },
    ],
  },
  {
    text: "Project",
    items: [
      { text: "Changelog", file: "project/changelog.md" },
      { text: "Contributing", file: "project/contributing.md" },
      { text: "Security policy", file: "project/security.md" },
    ],
  },
];
