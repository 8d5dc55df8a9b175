// Packs the package, installs the tarball in an empty folder, and checks that it works there: every entry point can
// be imported, and a client exchanges messages with a server.
//   npm run try-package
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PROGRAM = `
import assert from "node:assert/strict";
import { WebSocket } from "tideway";
import { serve } from "tideway/server";

for (const name of JSON.parse(process.argv[2])) {
  assert.ok(Object.keys(await import(name)).length > 0, name + " exports nothing");
}

const server = await serve({
  port: 0,
  host: "127.0.0.1",
  compression: true,
  routes: {
    "/hello": () => new Response("hello"),
    "ws:/echo/:name": async (socket, { params }) => {
      for await (const message of socket) socket.send(params.name + ": " + message);
    },
  },
});
assert.equal(await (await fetch(server.url + "/hello")).text(), "hello");

const socket = new WebSocket(server.url.replace("http", "ws") + "/echo/ana");
await socket.onOpen.first;
socket.send("x".repeat(10_000));
const { data } = await socket.onMessage.first;
assert.equal(data, "ana: " + "x".repeat(10_000));
assert.match(socket.extensions, /^permessage-deflate/);
socket.close();
await socket.onClose.first;
await server.stop();
`;

const folder = mkdtempSync(join(tmpdir(), "tideway-package-"));
try {
  npm(process.cwd(), "pack", "--silent", "--pack-destination", folder);
  const { name, version, exports } = JSON.parse(readFileSync("package.json", "utf8"));
  writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }');
  writeFileSync(join(folder, "main.mjs"), PROGRAM);
  npm(folder, "install", "--no-audit", "--no-fund", join(folder, `${name}-${version}.tgz`));
  const entryPoints = Object.keys(exports)
    .filter((path) => !path.endsWith(".json"))
    .map((path) => path.replace(".", name));
  execFileSync(process.execPath, ["main.mjs", JSON.stringify(entryPoints)], {
    cwd: folder,
    stdio: "inherit",
  });
  console.log(`${name} ${version} works in an empty folder: ${entryPoints.join(", ")}`);
} finally {
  rmSync(folder, { recursive: true });
}

/** Runs npm in a folder. */
function npm(cwd, ...args) {
  // On Windows npm is a script, which only a shell can start.
  const isWindows = process.platform === "win32";
  execFileSync("npm", args, { cwd, stdio: "inherit", shell: isWindows });
}
