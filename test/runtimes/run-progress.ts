/** One test of one run. */
export interface TestOutcome {
  /** From the root of the repository. */
  readonly file: string;
  /** With the names of the groups around it. */
  readonly name: string;
  readonly status: "passed" | "failed" | "skipped";
}

/** The reporter of a run writes one event a line. `atMs` is a time from `Date.now()`. */
export type RunEvent =
  | { readonly type: "planned"; readonly files: readonly string[] }
  | { readonly type: "begun"; readonly file: string; readonly atMs: number }
  | { readonly type: "ended"; readonly file: string; readonly outcomes: readonly TestOutcome[] };

/** How far a run is. */
export interface RunProgress {
  /** The tests of the files that have ended. */
  readonly outcomes: TestOutcome[];
  /** When each file began that has not ended. */
  readonly running: Map<string, number>;
  /** The files that have not ended, the running ones among them. */
  readonly unfinished: Set<string>;
}

/** Reads the lines of a reporter. The last line may be incomplete. */
export function progressIn(lines: string): RunProgress {
  const progress: RunProgress = { outcomes: [], running: new Map(), unfinished: new Set() };
  for (const line of lines.split("\n").slice(0, -1)) {
    const event = JSON.parse(line) as RunEvent;
    if (event.type === "planned") {
      for (const file of event.files) progress.unfinished.add(file);
    } else if (event.type === "begun") {
      progress.running.set(event.file, event.atMs);
    } else {
      progress.running.delete(event.file);
      progress.unfinished.delete(event.file);
      progress.outcomes.push(...event.outcomes);
    }
  }
  return progress;
}
