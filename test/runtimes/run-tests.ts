import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { launcherArguments, type Runtime } from "../support/runtimes.ts";

/** One test of one run. */
export interface TestOutcome {
  /** From the root of the repository. */
  readonly file: string;
  /** With the names of the groups around it. */
  readonly name: string;
  readonly status: "passed" | "failed" | "skipped";
}

/** The part of vitest's JSON report that is read here. */
interface JsonReport {
  readonly testResults: ReadonlyArray<{
    readonly name: string;
    readonly status: string;
    readonly assertionResults: ReadonlyArray<{
      readonly fullName: string;
      readonly status: string;
    }>;
  }>;
}

export interface TestRun {
  readonly runtime: Runtime;
  /** The path of the runtime's program. */
  readonly program: string;
  /** Files and folders from the root of the repository. */
  readonly paths: readonly string[];
  /** Globs of files that are left out. */
  readonly exclude: readonly string[];
  /** One file after the other. */
  readonly isSerial?: boolean;
}

const FOLDER = resolve("node_modules/.cache/tideway-runtimes");

/** The projects of `vitest.config.ts` that contain the tests. */
const PROJECTS = ["node", "slow", "engine"];

/** Runs tests with vitest in a runtime: vitest, its workers and the tests are processes of it. */
export async function runTests(run: TestRun): Promise<TestOutcome[]> {
  await mkdir(FOLDER, { recursive: true });
  const report = join(FOLDER, `${run.runtime}.json`);
  await rm(report, { force: true });
  const log = createWriteStream(join(FOLDER, `${run.runtime}.log`), { flags: "a" });
  const child = spawn(
    run.program,
    [
      ...launcherArguments(run.program),
      ...(run.runtime === "bun" ? ["--bun"] : []),
      ...vitestArguments(run, report),
    ],
    {
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  await once(child, "close");
  log.end();
  return outcomesIn(JSON.parse(await readFile(report, "utf8")) as JsonReport);
}

function vitestArguments(run: TestRun, report: string): string[] {
  return [
    "node_modules/vitest/vitest.mjs",
    "run",
    ...PROJECTS.map((project) => `--project=${project}`),
    "--reporter=json",
    "--reporter=default",
    `--outputFile.json=${report}`,
    ...(run.isSerial === true ? ["--maxWorkers=1"] : []),
    ...run.exclude.map((glob) => `--exclude=${glob}`),
    ...run.paths,
  ];
}

function outcomesIn({ testResults }: JsonReport): TestOutcome[] {
  return testResults.flatMap((result) => {
    const file = relative(process.cwd(), result.name);
    const outcomes = result.assertionResults.map(({ fullName, status }): TestOutcome => ({
      file,
      name: fullName,
      status: status === "passed" || status === "failed" ? status : "skipped",
    }));
    // A file that cannot be loaded has no tests.
    const isBroken = result.status === "failed" && outcomes.every((one) => one.status !== "failed");
    return isBroken
      ? [...outcomes, { file, name: "(the whole file)", status: "failed" }]
      : outcomes;
  });
}
