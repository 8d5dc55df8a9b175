import { readdirSync } from "node:fs";
import type { Runtime } from "../support/runtimes.ts";
import { areaOf, AREAS } from "./areas.ts";
import { isKnownToFail, isLeftOut, knownFailures } from "./known-differences.ts";
import type { TestOutcome } from "./run-progress.ts";
import { runTests } from "./run-tests.ts";

/** The counts of one area. */
export interface AreaResult {
  readonly name: string;
  passed: number;
  /** Known differences: see `known-differences.ts`. */
  different: number;
  /** Other tests that failed, twice. */
  failed: number;
  skipped: number;
}

/** The tests of one runtime. */
export interface RuntimeResult {
  readonly runtime: Runtime;
  readonly areas: readonly AreaResult[];
  /** Tests that failed and are not known to, twice. */
  readonly failures: readonly TestOutcome[];
  /** Tests that passed although they are known to fail. */
  readonly repaired: readonly TestOutcome[];
  /** Tests that are known to fail and did not run, for example because they have another name now. */
  readonly missing: ReadonlyArray<Pick<TestOutcome, "file" | "name">>;
  /** Tests that failed at first and passed when their file ran alone. */
  readonly unstable: readonly TestOutcome[];
}

/** Runs the tests of all areas, or of one, in a runtime. */
export async function testRuntime(
  runtime: Runtime,
  program: string,
  only?: string,
): Promise<RuntimeResult> {
  const files = testFiles().filter((file) => {
    const area = areaOf(file);
    return area !== undefined && (only ?? area) === area && !isLeftOut(runtime, file);
  });
  const areas = AREAS.filter(({ name }) => files.some((file) => areaOf(file) === name));
  const run = { runtime, program };
  const isSurprise = ({ file, name, status }: TestOutcome): boolean =>
    status === "failed" && !isKnownToFail(runtime, file, name);

  const first = await runTests({ ...run, files });
  const again = [...new Set(first.filter(isSurprise).map(({ file }) => file))];
  const second = await runTests({ ...run, files: again, isSerial: true });
  const outcomes = [...first.filter(({ file }) => !again.includes(file)), ...second];
  const failures = outcomes.filter(isSurprise);
  return {
    runtime,
    areas: areas.map(({ name }) => countsOf(name, runtime, outcomes)),
    failures,
    repaired: outcomes.filter(
      ({ file, name, status }) => status === "passed" && isKnownToFail(runtime, file, name),
    ),
    missing: knownFailures(runtime).filter(
      ({ file, name }) =>
        areas.some((area) => area.name === areaOf(file)) &&
        !outcomes.some((one) => one.file === file && one.name === name),
    ),
    unstable: first.filter(
      (one) => isSurprise(one) && !failures.some(({ name }) => name === one.name),
    ),
  };
}

/** From the root of the repository. */
function testFiles(): string[] {
  return readdirSync("test", { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => `test/${name.replaceAll("\\", "/")}`);
}

function countsOf(area: string, runtime: Runtime, outcomes: readonly TestOutcome[]): AreaResult {
  const counts: AreaResult = { name: area, passed: 0, different: 0, failed: 0, skipped: 0 };
  for (const { file, name, status } of outcomes) {
    if (areaOf(file) !== area) continue;
    if (status === "passed") counts.passed++;
    else if (status === "skipped") counts.skipped++;
    else if (isKnownToFail(runtime, file, name)) counts.different++;
    else counts.failed++;
  }
  return counts;
}
