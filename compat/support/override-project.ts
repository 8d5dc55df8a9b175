import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Availability } from "../../test/support/debian.ts";

/** The packages that import `ws` themselves, and what they need. */
const PACKAGES = [
  "@fastify/websocket",
  "@nestjs/common",
  "@nestjs/core",
  "@nestjs/platform-express",
  "@nestjs/platform-ws",
  "@nestjs/websockets",
  "express",
  "express-ws",
  "fastify",
  "hono",
  "reflect-metadata",
  "rxjs",
  "socket.io",
  "socket.io-client",
];

/** This is not a dependency of the workspace, because it works only with version 1 of `@hono/node-server`. */
const OF_THIS_PROJECT_ONLY = { "@hono/node-ws": "1.3.1", "@hono/node-server": "1.19.19" };

const FOLDER = resolve("node_modules/.cache/tideway-overrides");

/**
 * Installs packages in a project in which npm overrides replace `ws` with the packed `tideway-ws`. Keeps the
 * project until a tarball or a version changes. Returns its folder.
 */
export function ensureOverrideProject(): Availability {
  mkdirSync(FOLDER, { recursive: true });
  const manifest = packManifest();
  if (typeof manifest === "string") return { reason: manifest };
  const stamp = join(FOLDER, "stamp");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === manifest.key) return { path: FOLDER };
  for (const name of ["stamp", "node_modules", "package-lock.json"]) {
    rmSync(join(FOLDER, name), { recursive: true, force: true });
  }
  writeFileSync(join(FOLDER, "package.json"), manifest.text);
  const failure = npm(FOLDER, "install", "--prefer-offline", "--ignore-scripts");
  if (failure !== undefined) return { reason: `npm install with an override failed (${failure})` };
  writeFileSync(stamp, manifest.key);
  return { path: FOLDER };
}

/** Packs both packages. Returns the manifest of the project, or the reason why packing failed. */
function packManifest(): { readonly text: string; readonly key: string } | string {
  const ws = pack("packages/tideway-ws");
  const tideway = pack(".");
  if (ws.reason !== undefined) return ws.reason;
  if (tideway.reason !== undefined) return tideway.reason;
  const dependencies = {
    ...Object.fromEntries(PACKAGES.map((name) => [name, installedVersion(name)])),
    ...OF_THIS_PROJECT_ONLY,
    // Only so that programs can import the packages by these names.
    tideway: `file:${tideway.path}`,
    ws: `file:${ws.path}`,
  };
  // A release has "npm:tideway-ws@VERSION" here, and tideway is its dependency.
  const overrides = { ws: "$ws", tideway: "$tideway" };
  const text = JSON.stringify({ private: true, dependencies, overrides }, undefined, 2);
  const hash = createHash("sha256").update(text);
  for (const path of [ws.path, tideway.path]) hash.update(readFileSync(path));
  return { text, key: hash.digest("hex") };
}

/** Packs a folder of the repository. Returns the path of the tarball. */
function pack(folder: string): Availability {
  const { name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    name: string;
    version: string;
  };
  const failure = npm(folder, "pack", "--silent", "--pack-destination", FOLDER);
  if (failure !== undefined) return { reason: `npm pack in ${folder} failed (${failure})` };
  return { path: join(FOLDER, `${name}-${version}.tgz`) };
}

/** The version that `npm ci` has installed. npm has its tarball in the cache. */
function installedVersion(name: string): string {
  const path = ["compat/node_modules", "node_modules"]
    .map((folder) => join(folder, name, "package.json"))
    .find((candidate) => existsSync(candidate));
  if (path === undefined) throw new Error(`${name} is not installed; run npm ci`);
  return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
}

/** Runs npm. Returns why it failed, or undefined if it succeeded. */
function npm(cwd: string, ...args: readonly string[]): string | undefined {
  const { status, signal, error } = spawnSync("npm", [...args, "--no-audit", "--no-fund"], {
    cwd,
    // Only reporters may write to standard output.
    stdio: ["ignore", "ignore", 2],
    // On Windows npm is a script, which only a shell can start.
    shell: process.platform === "win32",
    timeout: 4 * 60_000,
  });
  if (error !== undefined) return error.message;
  if (status === 0) return undefined;
  return signal === null ? `exit status ${status}` : `ended by ${signal}`;
}
