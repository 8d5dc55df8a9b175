import type { TestProject } from "vitest/node";
import { type Availability, findOrInstall, isExecutable, onPath } from "./debian.ts";

declare module "vitest" {
  interface ProvidedContext {
    engines: Readonly<Record<"redis" | "nats" | "nginx" | "haproxy", Availability>>;
  }
}

/** Vitest runs this once before the first of the tests that may need one. */
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

/** Finds a server, and where there is none installs Debian's, if apt-get is there for root. */
export function ensureEngine(
  name: "redis-server" | "nats-server" | "nginx" | "haproxy",
): Availability {
  const find = (): Availability => {
    // Where Debian puts servers, which is not on the PATH of everybody.
    const path = [...onPath([name]), `/usr/sbin/${name}`].find(isExecutable);
    return path === undefined ? { reason: `no ${name} was found` } : { path };
  };
  return findOrInstall(find, { name, what: name });
}
