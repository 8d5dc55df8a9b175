import { parseArgs } from "node:util";
import type { Effort } from "./run/compare.ts";
import { describeWorkload, WORKLOADS, type Workload } from "./workloads.ts";

/** What to do, or what is wrong with what was asked for. */
export type Command =
  | WorkloadsCommand
  | { readonly kind: "micro"; readonly names: readonly string[] }
  | { readonly kind: "mistake"; readonly message: string };

export interface WorkloadsCommand {
  readonly kind: "workloads";
  /** What the files with the results are called. */
  readonly name: string;
  readonly workloads: readonly Workload[];
  /** Whether to measure topics through engines too. */
  readonly relays: boolean;
  readonly effort: Effort;
  /** The commit to compare with, instead of with others. */
  readonly against: string | undefined;
}

const USAGE = `npm run bench -- [NAME...] [--rounds N] [--quick] [--against REF]

NAME is a workload, or what several begin with; without any, all are run. "relays" are topics through
Redis and NATS, where those are installed. "micro [NAME...]" runs the micro benches. --against compares this package with itself as it was at a commit.`;

/** The name of what is no workload. */
const RELAYS = "relays";

/** The usual effort; `--quick` tells whether something runs, and little about its speed. */
const USUAL: Effort = {
  rounds: 7,
  firstWarmUpMs: 1500,
  times: { warmUpMs: 150, measuredMs: 500 },
  relays: { latencySamples: 500, measuredMs: 5_000 },
};
const QUICK: Effort = {
  rounds: 3,
  firstWarmUpMs: 500,
  times: { warmUpMs: 100, measuredMs: 200 },
  relays: { latencySamples: 50, measuredMs: 500 },
};

export function parseCommandLine(argv: readonly string[]): Command {
  let parsed;
  try {
    parsed = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        rounds: { type: "string" },
        quick: { type: "boolean", default: false },
        against: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    return mistake((error as Error).message);
  }
  const { values, positionals: names } = parsed;
  if (values.help) return mistake("");
  if (names[0] === "micro") return { kind: "micro", names: names.slice(1) };

  const workloadNames = names.filter((name) => name !== RELAYS);
  const unknown = workloadNames.filter((name) => workloadsCalled(name).length === 0);
  if (unknown.length > 0) return mistake(`There is no workload called ${unknown.join(" or ")}.`);
  const effort = values.quick ? QUICK : USUAL;
  const rounds = values.rounds === undefined ? effort.rounds : Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) {
    return mistake(`--rounds ${values.rounds} is not a positive integer.`);
  }
  return {
    kind: "workloads",
    name: resultName(names, values.quick, values.against),
    workloads:
      names.length === 0 ? WORKLOADS : [...new Set(workloadNames.flatMap(workloadsCalled))],
    // They are not compared with anything.
    relays:
      values.against === undefined && (names.length === 0 || workloadNames.length < names.length),
    effort: { ...effort, rounds },
    against: values.against,
  };
}

/** The one of that name; else those whose names begin with it. */
function workloadsCalled(name: string): readonly Workload[] {
  const exact = WORKLOADS.filter((workload) => workload.name === name);
  if (exact.length > 0) return exact;
  return WORKLOADS.filter((workload) => workload.name.startsWith(`${name}-`));
}

/** Runs of parts do not replace the results of all. */
function resultName(
  names: readonly string[],
  isQuick: boolean,
  against: string | undefined,
): string {
  const parts = names.length === 0 ? ["all"] : [...names];
  if (isQuick) parts.push("quick");
  if (against !== undefined) parts.push("against", against.replaceAll(/[^\w.-]/g, "-"));
  return parts.join("-");
}

function mistake(message: string): Command {
  const lines = [
    ...(message === "" ? [] : [message, ""]),
    USAGE,
    "",
    "Workloads:",
    ...WORKLOADS.map((workload) => `  ${workload.name.padEnd(27)} ${describeWorkload(workload)}`),
  ];
  return { kind: "mistake", message: lines.join("\n") };
}
