import { readFileSync, writeFileSync } from "node:fs";
import type { PairResult } from "./all-pairs.ts";
import { AREAS } from "./areas.ts";
import type { Speed } from "./speed.ts";
import type { AreaResult } from "./test-runtime.ts";

const FILE = "test/runtimes/result.json";

/** The result of the last runs with `--write`. `docs/runtimes.md` has tables of it. */
export interface RecordedResult {
  readonly runtimes: Readonly<Record<string, RecordedRuntime>>;
  readonly pairs: readonly PairResult[];
}

interface RecordedRuntime {
  /** As its program prints it. */
  readonly version?: string | undefined;
  readonly areas?: readonly AreaResult[];
  readonly speed?: Speed;
}

export function readResult(): RecordedResult {
  return JSON.parse(readFileSync(FILE, "utf8")) as RecordedResult;
}

export function writeResult(result: RecordedResult): void {
  writeFileSync(FILE, `${JSON.stringify(result, undefined, 2)}\n`);
}

/** Adds to the record of a runtime. Areas that are not among those found remain. */
export function withRuntime(
  result: RecordedResult,
  name: string,
  found: RecordedRuntime,
): RecordedResult {
  const { runtimes, pairs } = result;
  const before = runtimes[name] ?? {};
  const areas = AREAS.flatMap((area) => {
    const isOfArea = (one: AreaResult): boolean => one.name === area.name;
    return found.areas?.find(isOfArea) ?? before.areas?.find(isOfArea) ?? [];
  });
  return { pairs, runtimes: { ...runtimes, [name]: { ...before, ...found, areas } } };
}
