import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { launcherArguments, type Runtime } from "../support/runtimes.ts";
import { progressIn, type RunProgress, type TestOutcome } from "./run-progress.ts";

export interface TestRun {
  readonly runtime: Runtime;
  /** The path of the runtime's program. */
  readonly program: string;
  /** From the root of the repository. */
  readonly files: readonly string[];
  /** One file after the other. */
  readonly isSerial?: boolean;
  /** A file that runs longer fails, and the other files run without it. */
  readonly fileTimeoutMs?: number;
  /** The folder with the configuration of vitest: by default the root of the repository. */
  readonly root?: string;
}

const FOLDER = resolve("node_modules/.cache/tideway-runtimes");

/** The projects of `vitest.config.ts` that contain the tests. */
const PROJECTS = ["node", "slow", "engine"];

const FILE_TIMEOUT_MS = 5 * 60_000;

/** How long vitest may take to begin a file, or to exit. */
const IDLE_TIMEOUT_MS = 5 * 60_000;

const CHECK_INTERVAL_MS = 1000;

/** Runs tests with vitest in a runtime: vitest, its workers and the tests are processes of it. */
export async function runTests(run: TestRun): Promise<TestOutcome[]> {
  // Without files, vitest would run all of them.
  if (run.files.length === 0) return [];
  const { outcomes, unfinished, culprits, reason } = await runOnce(run);
  if (outcomes.length + culprits.length === 0) {
    throw new Error(`vitest ran no test in ${run.program}; its output is in ${FOLDER}`);
  }
  const rest = [...unfinished].filter((file) => !culprits.includes(file));
  return [
    ...outcomes,
    ...culprits.map((file): TestOutcome => ({ file, name: reason, status: "failed" })),
    ...(await runTests({ ...run, files: rest })),
  ];
}

interface EndedRun extends RunProgress {
  /** The files that ended the run early. */
  readonly culprits: readonly string[];
  readonly reason: string;
}

/** Runs vitest until it exits, or until a file reaches its timeout. */
async function runOnce(run: TestRun): Promise<EndedRun> {
  const { runtime, fileTimeoutMs = FILE_TIMEOUT_MS } = run;
  await mkdir(FOLDER, { recursive: true });
  const report = join(FOLDER, `${runtime}.jsonl`);
  await writeFile(report, "");
  const child = start(run, report);
  const late = await exited(child, report, fileTimeoutMs);

  const progress = progressIn(readFileSync(report, "utf8"));
  return late === undefined
    ? { ...progress, culprits: [...progress.running.keys()], reason: "(its process ended)" }
    : { ...progress, culprits: late, reason: `(did not end within ${fileTimeoutMs / 1000} s)` };
}

/** Starts vitest as the leader of a process group. */
function start(run: TestRun, report: string): ChildProcess {
  const child = spawn(
    run.program,
    [
      ...launcherArguments(run.program),
      ...(run.runtime === "bun" ? ["--bun"] : []),
      ...vitestArguments(run),
    ],
    {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, TIDEWAY_RUN_PROGRESS: report },
    },
  );
  const log = createWriteStream(join(FOLDER, `${run.runtime}.log`), { flags: "a" });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  child.once("close", () => log.end());
  return child;
}

/**
 * Waits until vitest and its workers are gone. Kills them when a file reaches its timeout, or when no file runs for too
 * long.
 *
 * @returns the files that reached it; undefined if vitest exited itself
 */
async function exited(
  child: ChildProcess,
  report: string,
  fileTimeoutMs: number,
): Promise<string[] | undefined> {
  let late: string[] | undefined;
  let lines = "";
  let changedAtMs = Date.now();
  const check = (): void => {
    const nowMs = Date.now();
    const before = lines;
    lines = readFileSync(report, "utf8");
    if (lines !== before) changedAtMs = nowMs;
    const running = [...progressIn(lines).running];
    const overdue = running.filter(([, begunAtMs]) => nowMs - begunAtMs > fileTimeoutMs);
    const isIdle = running.length === 0 && nowMs - changedAtMs > IDLE_TIMEOUT_MS;
    if (overdue.length === 0 && !isIdle) return;
    late = overdue.map(([file]) => file);
    killGroup();
  };
  // Its workers are in its group. A worker in an endless loop does not notice that vitest is gone.
  const killGroup = (): void => {
    try {
      process.kill(-(child.pid as number), "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  };
  const timer = setInterval(check, CHECK_INTERVAL_MS);
  child.once("exit", killGroup);
  process.once("exit", killGroup);
  await once(child, "close");
  process.off("exit", killGroup);
  clearInterval(timer);
  return late;
}

function vitestArguments(run: TestRun): string[] {
  return [
    "node_modules/vitest/vitest.mjs",
    "run",
    ...(run.root === undefined ? [] : [`--root=${run.root}`]),
    ...PROJECTS.map((project) => `--project=${project}`),
    `--reporter=${resolve("test/runtimes/progress-reporter.ts")}`,
    "--reporter=default",
    ...(run.isSerial === true ? ["--maxWorkers=1"] : []),
    ...run.files,
  ];
}
