import type { Program } from "../programs.ts";
import type { RelayEffort } from "../relays/relays.ts";
import type { Workload } from "../workloads.ts";
import type { Cores } from "./cores.ts";
import { isMemoryLoad, measure, type RoundTimes } from "./measure.ts";
import { LoadProcess, RunningProgram } from "./processes.ts";
import { type Round, type Scale, scaleOf } from "./rounds.ts";
import { type Spread, spreadOf } from "./statistics.ts";

/** The result of one program over all rounds. */
export interface Result {
  readonly program: Program;
  readonly rounds: readonly Round[];
  /** The ratio to the first program in the same round; undefined if the workload has no ratio. */
  readonly ratio: Spread | undefined;
  /** The ratio to the last program, if the workload asks for it. */
  readonly ratioToLast?: Spread | undefined;
}

/** A program that failed, and the reason. */
export interface Failure {
  readonly program: Program;
  readonly reason: string;
}

export interface Comparison {
  readonly workload: Workload;
  readonly scale: Scale;
  readonly results: readonly Result[];
  readonly failures: readonly Failure[];
}

export interface Effort {
  readonly rounds: number;
  /** The first warm-up, long enough for the runtime to compile the program's code. */
  readonly firstWarmUpMs: number;
  readonly times: RoundTimes;
  readonly relays: RelayEffort;
}

const MAX_MEMORY_ROUNDS = 3;

/**
 * Runs the programs of a workload in turn, round by round, so that other work of the machine affects all of
 * them. Ratios compare only measurements of the same round.
 */
export async function compare(
  workload: Workload,
  cores: Cores,
  effort: Effort,
  onStep: (text: string) => void,
): Promise<Comparison> {
  const load = new LoadProcess(cores);
  const entrants = workload.programs.map((program) => new Entrant(workload, program, cores, load));
  try {
    for (const entrant of entrants) {
      onStep(`warming up ${entrant.program.name}`);
      await entrant.warmUp(effort);
    }
    const rounds = roundsOf(workload, effort);
    for (let round = 1; round <= rounds; round++) {
      for (const entrant of round % 2 === 1 ? entrants : entrants.toReversed()) {
        onStep(`round ${round} of ${rounds}, ${entrant.program.name}`);
        await entrant.run(effort.times);
      }
    }
  } finally {
    await Promise.all([load.stop(), ...entrants.map((entrant) => entrant.stop())]);
  }
  return summarise(workload, entrants);
}

/** The number of steps that `compare` reports. */
export function stepsOf(workload: Workload, effort: Effort): number {
  return workload.programs.length * (roundsOf(workload, effort) + 1);
}

/** The number of rounds. Measurements of memory take long and hardly vary, so they have fewer rounds. */
function roundsOf({ load }: Workload, { rounds }: Effort): number {
  return isMemoryLoad(load) ? Math.min(rounds, MAX_MEMORY_ROUNDS) : rounds;
}

/** One program of a comparison. After a failure, it takes part in no further round. */
class Entrant {
  readonly program: Program;
  readonly rounds: Round[] = [];
  failure: string | undefined;
  readonly #workload: Workload;
  readonly #cores: Cores;
  readonly #load: LoadProcess;
  #running: RunningProgram | undefined;

  constructor(workload: Workload, program: Program, cores: Cores, load: LoadProcess) {
    this.#workload = workload;
    this.program = program;
    this.#cores = cores;
    this.#load = load;
  }

  async warmUp({ firstWarmUpMs, times }: Effort): Promise<void> {
    // Memory is measured on a program that has just started.
    if (isMemoryLoad(this.#workload.load)) return;
    await this.#attempt(async () => {
      await this.#measure({ ...times, warmUpMs: firstWarmUpMs });
    });
  }

  async run(times: RoundTimes): Promise<void> {
    await this.#attempt(async () => {
      if (isMemoryLoad(this.#workload.load)) await this.stop();
      this.rounds.push(await this.#measure(times));
    });
  }

  async stop(): Promise<void> {
    await this.#running?.stop();
    this.#running = undefined;
  }

  async #measure(times: RoundTimes): Promise<Round> {
    this.#running ??= await RunningProgram.start(this.program, this.#cores);
    return await measure(this.#workload.load, this.#running, this.#load, times);
  }

  async #attempt(action: () => Promise<void>): Promise<void> {
    if (this.failure !== undefined) return;
    try {
      await action();
    } catch (error) {
      this.failure = error instanceof Error ? error.message : String(error);
      await this.stop();
    }
  }
}

function summarise(workload: Workload, entrants: readonly Entrant[]): Comparison {
  const scale = scaleOf(workload.load);
  const [first] = entrants;
  const last = workload.isComparedWithLast === true ? entrants.at(-1) : undefined;
  const results = entrants
    .filter(({ failure }) => failure === undefined)
    .map(({ program, rounds }) => ({
      program,
      rounds,
      ratio: ratioOf(rounds, first.rounds, scale),
      ratioToLast: last && ratioOf(rounds, last.rounds, scale),
    }));
  const failures = entrants.flatMap(({ program, failure }) =>
    failure === undefined ? [] : [{ program, reason: failure }],
  );
  return { workload, scale, results, failures };
}

function ratioOf(
  rounds: readonly Round[],
  others: readonly Round[],
  scale: Scale,
): Spread | undefined {
  if (!scale.hasRatio || others.length < rounds.length) return undefined;
  return spreadOf(rounds.map((round, at) => scale.valueOf(round) / scale.valueOf(others[at])));
}
