import { parseArgs } from "node:util";
import type { Effort } from "./run/compare.ts";
import { describeWorkload, WORKLOADS, type Workload } from "./workloads.ts";

/** The parsed command line, or a message that explains a mistake in it. */
export type Command =
  | WorkloadsCommand
  | { readonly kind: "micro"; readonly names: readonly string[] }
  | { readonly kind: "mistake"; readonly message: string };

export interface WorkloadsCommand {
  readonly kind: "workloads";
  /** The name of the files with the results. */
  readonly name: string;
  readonly workloads: readonly Workload[];
  /** Whether to measure topics through engines too. */
  readonly relays: boolean;
  readonly effort: Effort;
  /** The commit to compare with, instead of other libraries. */
  readonly against: string | undefined;
  /** The major version of Node.js in which all programs run. Undefined: the version that runs this program. */
  readonly node: string | undefined;
}

const USAGE = `npm run bench -- [NAME...] [--rounds N] [--quick] [--against REF] [--node VERSION]

NAME is a workload, or the beginning of several names. Without NAME, all workloads run.
The name "relays" measures topics through Redis and NATS, if they are installed.
The name "micro" runs the micro benchmarks, or only the benchmarks with the names after it.

Use --rounds N to change the number of rounds, which is 7 by default.
Use --quick for short rounds, with rough figures.
Use --against REF to compare this package with an earlier commit.
Use --node VERSION to run all programs in another Node.js: 20, 22, 24 or 26.`;

/** The name of the relays, which are not workloads. */
const RELAYS = "relays";

/** The rounds of a usual run. `--quick` only checks that the workloads run. */
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
        node: { type: "string" },
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
  if (unknown.length > 0) {
    return mistake(`There is no workload with the name ${unknown.join(" or ")}.`);
  }
  const effort = values.quick ? QUICK : USUAL;
  const rounds = values.rounds === undefined ? effort.rounds : Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) {
    return mistake(`--rounds is ${values.rounds}; it must be an integer above 0.`);
  }
  if (values.node !== undefined && !/^\d+$/.test(values.node)) {
    return mistake(`--node is ${values.node}; it must be a major version such as 24.`);
  }
  return {
    kind: "workloads",
    name: resultName(names, values.quick, values.against, values.node),
    workloads:
      names.length === 0 ? WORKLOADS : [...new Set(workloadNames.flatMap(workloadsCalled))],
    // Relays have no ratios, so a run with --against leaves them out.
    relays:
      values.against === undefined && (names.length === 0 || workloadNames.length < names.length),
    effort: { ...effort, rounds },
    against: values.against,
    node: values.node,
  };
}

/** The workload with this name, or else all with a name that begins with it. */
function workloadsCalled(name: string): readonly Workload[] {
  const exact = WORKLOADS.filter((workload) => workload.name === name);
  if (exact.length > 0) return exact;
  return WORKLOADS.filter((workload) => workload.name.startsWith(`${name}-`));
}

/** The name of the result files. A run of some workloads does not replace the results of all. */
function resultName(
  names: readonly string[],
  isQuick: boolean,
  against: string | undefined,
  node: string | undefined,
): string {
  const parts = names.length === 0 ? ["all"] : [...names];
  if (isQuick) parts.push("quick");
  if (against !== undefined) parts.push("against", against.replaceAll(/[^\w.-]/g, "-"));
  if (node !== undefined) parts.push("node", node);
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
