/** The entry points of the package, by the names of their reports, and their declarations. */
export const ENTRY_POINTS = {
  tideway: "dist/node/index.d.ts",
  "tideway.browser": "dist/browser/index.d.ts",
  "tideway-server": "dist/node/server.d.ts",
  "tideway-bun": "dist/bun/index.d.ts",
  "tideway-protocol": "dist/protocol/index.d.ts",
  "tideway-topics": "dist/topics/index.d.ts",
  "tideway-topics-redis": "dist/topics/redis/index.d.ts",
  "tideway-topics-nats": "dist/topics/nats/index.d.ts",
  "tideway-react": "dist/react/index.d.ts",
  "tideway-channels": "dist/node/channels.d.ts",
  "tideway-channels.browser": "dist/browser/channels.d.ts",
  "tideway-channels-server": "dist/channels/server/index.d.ts",
  "tideway-ws": "dist/ws/index.d.ts",
  "tideway-testing": "dist/testing/index.d.ts",
};

/** Where `api-report.mjs` writes models of the entry points for `api-reference.mjs`. */
export const MODELS_FOLDER = "node_modules/.cache/api";
