/** The entry points of the package in the order of the documentation, by the names of their reports. */
export const ENTRY_POINTS = {
  tideway: "dist/node/index.d.ts",
  "tideway.browser": "dist/browser/index.d.ts",
  "tideway-server": "dist/node/server.d.ts",
  "tideway-bun": "dist/bun/index.d.ts",
  "tideway-topics": "dist/topics/index.d.ts",
  "tideway-topics-redis": "dist/topics/redis/index.d.ts",
  "tideway-topics-nats": "dist/topics/nats/index.d.ts",
  "tideway-channels": "dist/node/channels.d.ts",
  "tideway-channels.browser": "dist/browser/channels.d.ts",
  "tideway-channels-server": "dist/channels/server/index.d.ts",
  "tideway-react": "dist/react/index.d.ts",
  "tideway-testing": "dist/testing/index.d.ts",
  "tideway-ws": "dist/ws/index.d.ts",
  "tideway-protocol": "dist/protocol/index.d.ts",
};

/** The entry points with a page. An entry for browsers has none: its names are on the page of the entry for Node.js. */
export const DOCUMENTED = Object.keys(ENTRY_POINTS).filter((name) => !name.endsWith(".browser"));

/** Where `api-report.mjs` writes models of the entry points for `api-reference.mjs`. */
export const MODELS_FOLDER = "node_modules/.cache/api";
