// The tests that scripts/mutation.mjs runs for a mutant: all tests that need no other program, or the tests that
// match the globs in MUTATION_TESTS.
import { relative } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import base, { OTHER_PROGRAMS } from "../../vitest.config.ts";

// These start other processes, in which no mutant is active, or test no single lines of src. The check of prose
// lists files with Git, which ignores all files in the sandbox.
const WITHOUT_MUTANTS =
  "test/{bench,chaos,crash,dart,docs,examples,frameworks,fuzz,prose,readme,support,types}/**";

/** Runs the quickest files first, since the first test that fails ends the run. */
class QuickestFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const durations = new Map(files.map((file) => [file, this.#duration(file)]));
    return Promise.resolve(files.toSorted((a, b) => durations.get(a)! - durations.get(b)!));
  }

  #duration({ project, moduleId }: TestSpecification): number {
    const key = `${project.name}:${relative(this.ctx.config.root, moduleId)}`;
    return this.ctx.cache.getFileTestResults(key)?.duration ?? 0;
  }
}

const globs = (process.env["MUTATION_TESTS"] ?? "").split(",").filter((glob) => glob !== "");

export default defineConfig({
  resolve: { ...base.resolve },
  test: {
    include: globs.length > 0 ? globs : ["test/**/*.test.ts"],
    exclude: [...OTHER_PROGRAMS, WITHOUT_MUTANTS],
    // For few tests, loading the sources again for each file would take most of the time. Tests of
    // node/internals replace parts of Node.js, so each file needs a separate process.
    isolate: globs.length === 0 || globs.some((glob) => glob.includes("/internals/")),
    silent: true,
    setupFiles: base.test?.setupFiles ?? [],
    // Counting what each test covers makes long loops slow. Stryker ends tests that hang.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    sequence: { sequencer: QuickestFirst },
  },
});
