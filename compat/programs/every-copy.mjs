// Checks that every import of `ws` gets tideway-ws: from the application and from express-ws, and from modules of both
// kinds.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { WebSocket } from "tideway/ws";
import ofApplication from "ws";

const require = createRequire(import.meta.url);
const expressWs = require.resolve("express-ws");
const probe = join(dirname(expressWs), "probe.mjs");
writeFileSync(probe, 'export { default } from "ws";\n');
const { default: ofExpressWs } = await import(pathToFileURL(probe).href);

assert.equal(ofApplication, WebSocket);
assert.equal(require("ws"), WebSocket);
assert.equal(ofExpressWs, WebSocket);
assert.equal(createRequire(expressWs)("ws"), WebSocket);
console.log("passed");
