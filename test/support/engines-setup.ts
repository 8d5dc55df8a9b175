import type { TestProject } from "vitest/node";
import { type Availability, findOrInstall, isExecutable, onPath } from "./debian.ts";

declare module "vitest" {
  interface ProvidedContext {
    engines: Readonly<Record<"redis" | "nats" | "nginx" | "haproxy", Availability>>;
  }
}

/** Vitest runs this once before the first of the tests that may need an engine. */
export default function setup(project: TestProject): void {
  const engines = {
    redis: ensureEngine("redis-server"),
    nats: ensureEngine("nats-server"),
    nginx: ensureEngine("nginx"),
    haproxy: ensureEngine("haproxy"),
  };
  for (const { reason } of Object.values(engines)) {
    if (reason !== undefined) process.stderr.write(`No tests with an engine: ${reason}.\n`);
  }
  project.provide("engines", engines);
}

/** Finds a server. If it is missing and the user is root, installs Debian's package with apt-get. */
export function ensureEngine(
  name: "redis-server" | "nats-server" | "nginx" | "haproxy",
): Availability {
  const find = (): Availability => {
    // Debian's folder for servers, which is not in the PATH of every user.
    const path = [...onPath([name]), `/usr/sbin/${name}`].find(isExecutable);
    return path === undefined ? { reason: `no ${name} was found` } : { path };
  };
  return findOrInstall(find, { name, what: name });
}
