import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, loadavg, release, totalmem } from "node:os";
import { bunPath, denoPath, versionOf } from "../run/runtime-paths.ts";
import type { Cores } from "../run/cores.ts";

/** The machine, the versions and the time of a run. */
export interface Machine {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  readonly ws: string;
  readonly bun: string;
  readonly deno: string;
  readonly tideway: string;
  /** The cores of the programs under test and of the load. */
  readonly pinnedTo: Cores;
  /** The load average of the minute before the run. */
  readonly loadBefore: number;
}

export function describeMachine(pinnedTo: Cores): Machine {
  const [firstCpu] = cpus();
  return {
    date: new Date().toISOString(),
    cpu: firstCpu.model.trim(),
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    kernel: `Linux ${release()}`,
    node: process.version,
    ws: packageVersion("ws"),
    bun: installed(bunPath),
    deno: installed(denoPath),
    tideway: `${packageVersion("tideway")}, ${commit()}`,
    pinnedTo,
    loadBefore: loadavg()[0],
  };
}

/** Formats the description as lines of `name: value`. */
export function machineLines(machine: Machine): readonly string[] {
  const {
    date,
    cpu,
    cores,
    memoryGiB,
    kernel,
    node,
    ws,
    bun,
    deno,
    tideway,
    pinnedTo,
    loadBefore,
  } = machine;
  return [
    `date: ${date}`,
    `machine: ${cores} x ${cpu}, ${memoryGiB} GiB, ${kernel}, load average ${loadBefore.toFixed(2)} before`,
    `versions: tideway ${tideway}; ws ${ws}; Bun ${bun}; Deno ${deno}; Node ${node}`,
    `cores: programs on core ${pinnedTo.subject}, load on core ${pinnedTo.load}`,
  ];
}

function installed(path: string | undefined): string {
  return path === undefined ? "not installed" : versionOf(path);
}

function packageVersion(name: string): string {
  const path = createRequire(import.meta.url).resolve(`${name}/package.json`);
  return JSON.parse(readFileSync(path, "utf8")).version;
}

function commit(): string {
  try {
    const git = (...argv: string[]): string =>
      execFileSync("git", argv, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
    const isChanged = git("status", "--porcelain", "--untracked-files=no") !== "";
    return `${git("rev-parse", "--short", "HEAD")}${isChanged ? " with changes" : ""}`;
  } catch {
    return "no commit";
  }
}
