/**
 * The long run: `npm run fuzz -- --minutes 10 --target frames --seed 1`. With `--documented` it
 * uses only documented Node APIs. Each target runs on a separate thread for its share of the time,
 * and is watched: an input that takes longer than `MAX_INPUT_MS` is printed like a failure.
 */
import { randomInt } from "node:crypto";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { readCorpus } from "./corpus.ts";
import { type Crash, describeCrash, fuzz, type FuzzTarget } from "./target.ts";
import { targets } from "./targets/index.ts";

/** Shrinking may take a minute, in which every input is small. */
const MAX_INPUT_MS = 20_000;

/** The input of the watched thread: its length, and JSON in UTF-8. */
const MAX_INPUT_BYTES = 1_048_576;

interface Job {
  readonly target: string;
  readonly seed: number;
  readonly maxMs: number;
  readonly fastPaths: boolean;
  readonly current: SharedArrayBuffer;
}

interface JobResult {
  readonly runs: number;
  readonly crash?: { readonly report: string; readonly stack: string };
}

if (isMainThread) await main();
else work(workerData as Job);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "10" },
      seed: { type: "string" },
      target: { type: "string", multiple: true },
      documented: { type: "boolean", default: false },
    },
  });
  const names = targets.map(({ name }) => name);
  const chosen = values.target ?? names;
  const minutes = Number(values.minutes);
  const seed = Number(values.seed ?? randomInt(2 ** 31));
  const unknown = chosen.find((name) => !names.includes(name));
  if (unknown !== undefined)
    return fail(`there is no target ${unknown}; the targets are ${names.join(", ")}`);
  if (!(minutes > 0)) return fail("--minutes must be a number above 0");
  if (!Number.isInteger(seed)) return fail("--seed must be an integer");

  console.log(`seed ${seed}: repeat this run with --seed ${seed}`);
  for (const target of chosen) {
    const maxMs = (minutes * 60_000) / chosen.length;
    const { runs, crash } = await watch({
      target,
      seed,
      maxMs,
      fastPaths: !values.documented,
    });
    console.log(`${target}: ${runs} inputs${crash === undefined ? "" : ", and one that fails"}`);
    if (crash !== undefined) fail(`${crash.report}\n${crash.stack}`);
  }
}

function fail(message: string): void {
  console.error(message);
  process.exitCode = 1;
}

/** Runs a job on a thread, which is ended when it makes no progress. */
async function watch(job: Omit<Job, "current">): Promise<JobResult> {
  const current = new SharedArrayBuffer(8 + MAX_INPUT_BYTES);
  const [header, text] = views(current);
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { ...job, current },
    env: { ...process.env, TIDEWAY_FAST_PATHS: job.fastPaths ? "1" : "0" },
  });
  const { promise, resolve, reject } = deferred<JobResult>();
  let observed = -1;
  const timer = setInterval(() => {
    const count = Atomics.load(header, 0);
    if (count === observed) {
      const input = JSON.parse(Buffer.from(text.slice(0, header[1])).toString()) as unknown;
      const report = describeCrash(job.target, { input, error: undefined });
      resolve({ runs: count, crash: { report, stack: `no end after ${MAX_INPUT_MS} ms` } });
    }
    observed = count;
  }, MAX_INPUT_MS);
  worker.once("message", resolve);
  worker.once("error", reject);
  try {
    return await promise;
  } finally {
    clearInterval(timer);
    await worker.terminate();
  }
}

function work({ target: name, seed, maxMs, current }: Job): void {
  const target = targets.find((candidate) => candidate.name === name) as FuzzTarget;
  const inputs = readCorpus(join("test", "fuzz", "corpus"), name).map(({ input }) => input);
  const [header, text] = views(current);
  const watched: FuzzTarget = {
    name,
    arbitrary: (corpus) => target.arbitrary(corpus),
    check(input) {
      header[1] = new TextEncoder().encodeInto(JSON.stringify(input), text).written;
      Atomics.add(header, 0, 1);
      target.check(input);
    },
  };
  const { runs, crash } = fuzz(watched, inputs, { seed, maxMs });
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort?.postMessage(crash === undefined ? { runs } : { runs, crash: toResult(name, crash) });
}

function toResult(name: string, crash: Crash): JobResult["crash"] {
  const { error } = crash;
  const stack = error instanceof Error ? String(error.stack) : String(error);
  return { report: describeCrash(name, crash), stack };
}

/** The number of inputs so far, the length of the last input, and the last input. */
function views(current: SharedArrayBuffer): [Int32Array, Uint8Array] {
  return [new Int32Array(current, 0, 2), new Uint8Array(current, 8)];
}

function deferred<T>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (error: unknown) => void;
} {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
}
