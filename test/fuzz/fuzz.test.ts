import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readCorpus } from "./corpus.ts";
import { describeCrash, fuzz } from "./target.ts";
import { targets } from "./targets/index.ts";

const corpusDirectory = fileURLToPath(new URL("corpus/", import.meta.url));

/** A constant seed: a failure here comes from the current change. `npm run fuzz` varies it. */
const SEED = 20_261_121;
const RUNS = 300;

describe.each(targets)("the fuzz target $name", (target) => {
  const corpus = readCorpus(corpusDirectory, target.name);

  it.each(corpus)("passes for $name", ({ input }) => {
    expect(() => target.check(input)).not.toThrow();
  });

  it(`passes for ${RUNS} random inputs`, () => {
    const inputs = corpus.map(({ input }) => input);
    const { runs, crash } = fuzz(target, inputs, { seed: SEED, maxRuns: RUNS });
    if (crash !== undefined)
      throw new Error(describeCrash(target.name, crash), { cause: crash.error });
    expect(runs).toBe(RUNS);
  });
});
