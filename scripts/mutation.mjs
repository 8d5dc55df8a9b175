// Mutation testing: changes the sources in one place at a time and reports each change that no test notices.
//   npm run mutation -- streams
//   npm run mutation -- node/http/http-upgrade.ts --tests near
//   npm run mutation -- --sample 200 --seed 1
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Stryker } from "@stryker-mutator/core";
import { Instrumenter } from "@stryker-mutator/instrumenter";
import { keyOfMutant, keyOfResult } from "./mutation/selection.mjs";

const FOLDERS = ["protocol", "connection", "streams", "server", "client", "topics", "node"];
const OUTPUT = "test-artefacts/mutation";
const USAGE = `usage: npm run mutation -- [FOLDER...] [options]

FOLDER is a folder or a file below src. Without FOLDER, --sample chooses from
${FOLDERS.join(", ")}.

  --sample N       test N mutants, chosen at random
  --seed S         the seed of that choice; the same seed chooses the same mutants (default 1)
  --tests WHICH    Each mutant runs the tests in its folder. WHICH is for mutants that pass them.
                   all: run all other tests too (default).
                   near: run no other tests.
                   GLOBS, separated by commas: run the tests that match these globs too.
  --concurrency N  the number of mutants to test at the same time (default 1)
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sample: { type: "string" },
    seed: { type: "string", default: "1" },
    tests: { type: "string", default: "all" },
    concurrency: { type: "string", default: "1" },
  },
});

if (positionals.length === 0 && values.sample === undefined) {
  console.error(USAGE);
  process.exit(2);
}

mkdirSync(OUTPUT, { recursive: true });
const targets = positionals.length === 0 ? FOLDERS : positionals;
const mutants = await listMutants(targets.flatMap(sourceFiles));
const chosen = values.sample === undefined ? mutants : sample(mutants, Number(values.sample));
const results = await runNearTests(chosen);
if (values.tests !== "near") await runFurtherTests(results);
report(results);

/** The TypeScript files of a folder or file below src. */
function sourceFiles(target) {
  const path = join("src", target);
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(path, name))
    .toSorted();
}

/** The keys of all mutants of these files. */
async function listMutants(names) {
  const logger = { debug() {}, info() {}, isDebugEnabled: () => false };
  const files = names.map((name) => ({
    name: `/${name}`,
    mutate: true,
    content: readFileSync(name, "utf8"),
  }));
  const options = { plugins: null, excludedMutations: [], ignorers: [] };
  const instrumented = await new Instrumenter(logger).instrument(files, options);
  return instrumented.mutants.map(keyOfMutant);
}

/** Chooses `count` keys at random. The same seed and sources give the same keys. */
function sample(keys, count) {
  let state = Number(values.seed);
  const random = () => {
    // mulberry32
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
  const rest = [...keys];
  const taken = [];
  while (taken.length < count && rest.length > 0) {
    taken.push(...rest.splice(Math.floor(random() * rest.length), 1));
  }
  return taken;
}

/** Runs the tests of each folder for its mutants. Returns the results by key. */
async function runNearTests(keys) {
  const byFolder = new Map();
  for (const key of keys) {
    const folder = testFolder(key);
    byFolder.set(folder, [...(byFolder.get(folder) ?? []), key]);
  }
  const all = new Map();
  for (const [folder, own] of byFolder) {
    for (const key of own) all.set(key, { status: "NotTested" });
    try {
      for (const [key, result] of await runStryker(own, `${folder}/**/*.test.ts`)) {
        all.set(key, result);
      }
    } catch (error) {
      // If a test fails without a mutant, the other folders can still be tested.
      console.error(error);
    }
    save(all);
  }
  return all;
}

/** The folder with the tests of a mutant. For node, which has many tests, it is a folder below test/node. */
function testFolder(key) {
  const [, folder, below] = key.split("/");
  const deeper = `test/${folder}/${below}`;
  return folder === "node" && existsSync(deeper) ? deeper : `test/${folder}`;
}

/** Runs the tests that `--tests` names, for each mutant that no test has noticed yet. */
async function runFurtherTests(all) {
  const missed = [...all].filter(([, result]) => !isNoticed(result)).map(([key]) => key);
  if (missed.length === 0) return;
  const tests = values.tests === "all" ? undefined : values.tests;
  for (const [key, result] of await runStryker(missed, tests)) all.set(key, result);
  save(all);
}

/** Tests these mutants with all tests, or with the tests that match some globs. */
async function runStryker(keys, tests) {
  const selection = join(process.cwd(), OUTPUT, `selection-${process.pid}.json`);
  writeFileSync(selection, JSON.stringify(keys));
  process.env.MUTATION_SELECTION = selection;
  process.env.MUTATION_TESTS = tests ?? "";
  const tested = await new Stryker({
    allowConsoleColors: false,
    checkers: ["selection"],
    concurrency: Number(values.concurrency),
    coverageAnalysis: "perTest",
    disableTypeChecks: false,
    dryRunTimeoutMinutes: 30,
    ignorePatterns: ["dist", "**/dist", "api", "docs", "bench/results", "test-artefacts"],
    mutate: [...new Set(keys.map((key) => key.slice(0, key.indexOf(":"))))],
    plugins: [
      import.meta.resolve("@stryker-mutator/vitest-runner"),
      import.meta.resolve("./mutation/selection.mjs"),
    ],
    reporters: ["progress-append-only"],
    tempDirName: "test-artefacts/stryker",
    testRunner: "vitest",
    timeoutMS: 15_000,
    // Stryker cannot read tsconfig.json with TypeScript 7, and vitest does not need it.
    tsconfigFile: "none",
    vitest: { configFile: "scripts/mutation/vitest.config.ts", related: false },
  }).runMutationTest();
  const selected = new Set(keys);
  return tested.map((result) => [keyOfResult(result), result]).filter(([key]) => selected.has(key));
}

/** Whether a test failed or hung with the mutant. An error outside of a test does not count. */
function isNoticed({ status }) {
  return status === "Killed" || status === "Timeout";
}

function report(all) {
  const rows = new Map();
  for (const [key, result] of all) {
    const folder = key.split("/")[1];
    const row = rows.get(folder) ?? { folder, mutants: 0, noticed: 0, survived: 0 };
    rows.set(folder, row);
    row.mutants += 1;
    row[isNoticed(result) ? "noticed" : "survived"] += 1;
    if (!isNoticed(result)) {
      console.log(result.status, key, result.static === true ? "(runs while a file loads)" : "");
    }
  }
  for (const row of rows.values())
    row.score = `${((100 * row.noticed) / row.mutants).toFixed(1)} %`;
  console.table([...rows.values()]);
  console.log(`All results are in ${save(all)}.`);
}

/** Writes the results so far into a file. Returns its path. */
function save(all) {
  const name = positionals.length === 0 ? "sample" : positionals.join("+").replaceAll("/", "-");
  const file = join(OUTPUT, `${name}.json`);
  writeFileSync(file, JSON.stringify(Object.fromEntries(all), undefined, 2));
  return file;
}
