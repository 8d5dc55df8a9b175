import { appendFileSync } from "node:fs";
import { relative } from "node:path";
import type { Reporter, TestCase, TestModule, TestSpecification } from "vitest/node";
import type { RunEvent, TestOutcome } from "./run-progress.ts";

/** Reports each file of a run when it ends, so that a file that hangs hides only its own tests. */
export default class ProgressReporter implements Reporter {
  onTestRunStart(specifications: readonly TestSpecification[]): void {
    write({ type: "planned", files: specifications.map(({ moduleId }) => pathOf(moduleId)) });
  }

  onTestModuleQueued({ moduleId }: TestModule): void {
    write({ type: "begun", file: pathOf(moduleId), atMs: Date.now() });
  }

  onTestModuleEnd(testModule: TestModule): void {
    const file = pathOf(testModule.moduleId);
    write({ type: "ended", file, outcomes: outcomesOf(testModule, file) });
  }
}

function write(event: RunEvent): void {
  appendFileSync(process.env["TIDEWAY_RUN_PROGRESS"] as string, `${JSON.stringify(event)}\n`);
}

/** From the root of the repository. */
function pathOf(moduleId: string): string {
  return relative(process.cwd(), moduleId);
}

function outcomesOf(testModule: TestModule, file: string): TestOutcome[] {
  const outcomes = [...testModule.children.allTests()].map((test): TestOutcome => {
    const { state } = test.result();
    return { file, name: nameOf(test), status: state === "pending" ? "skipped" : state };
  });
  // A file that cannot be loaded has no tests.
  const isBroken =
    testModule.state() === "failed" && outcomes.every(({ status }) => status !== "failed");
  return isBroken ? [...outcomes, { file, name: "(the whole file)", status: "failed" }] : outcomes;
}

/** With the names of the groups around it. */
function nameOf(test: TestCase): string {
  const names = [test.name];
  for (let { parent } = test; parent.type === "suite"; { parent } = parent) {
    names.unshift(parent.name);
  }
  return names.join(" ");
}
