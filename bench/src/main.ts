/**
 * `npm run bench` compares this package with other libraries on all workloads, and `npm run bench -- NAME...`
 * on some of them. The README in the parent folder describes the measurements.
 */
import { type OtherVersion, buildOtherVersion } from "./against.ts";
import { parseCommandLine, type WorkloadsCommand } from "./command-line.ts";
import { measureRelay, type Relay, RELAY_LOAD, RELAYS } from "./relays/relays.ts";
import { measureStore, type Store, STORE_LOAD, STORES } from "./relays/stores.ts";
import { describeMachine, machineLines } from "./report/machine.ts";
import { Progress } from "./report/progress.ts";
import { relayTable, storeTable } from "./report/relays.ts";
import { writeResults } from "./report/results.ts";
import { summaryOf } from "./report/summary.ts";
import { alignedTable, tableOf } from "./report/table.ts";
import { runtimeOf } from "./programs.ts";
import { bunPath, denoPath, runtimePath } from "./run/runtime-paths.ts";
import { type Comparison, compare, stepsOf } from "./run/compare.ts";
import { chooseCores, type Cores } from "./run/cores.ts";
import { describeFastPaths } from "./run/fast-paths.ts";
import { isNode, runIn } from "./run/node-version.ts";
import { describeWorkload, type Workload } from "./workloads.ts";

const command = parseCommandLine(process.argv.slice(2));
if (command.kind === "mistake") fail(command.message);
else if (command.kind === "micro") await runMicro(command.names);
else if (command.node !== undefined && !isNode(command.node)) runInOtherNode(command.node);
else await runWorkloads(command);

function runInOtherNode(node: string): void {
  try {
    process.exitCode = runIn(node);
  } catch (error) {
    fail((error as Error).message);
  }
}

async function runMicro(names: readonly string[]): Promise<void> {
  const { runMicroBenches } = await import("./micro/run.ts");
  const mistake = runMicroBenches(names);
  if (mistake !== undefined) fail(mistake);
}

async function runWorkloads(asked: WorkloadsCommand): Promise<void> {
  const cores = process.platform === "linux" ? chooseCores() : undefined;
  if (cores === undefined) {
    fail("The bench needs Linux and two cores: one for the program under test, one for the load.");
    return;
  }
  const machine = describeMachine(cores);
  console.log(machineLines(machine).join("\n"));
  console.log(`fast paths: ${describeFastPaths()}`);
  if (bunPath === undefined) console.log("Bun is not installed and is left out.");
  if (denoPath === undefined) console.log("Deno is not installed and is left out.");

  // Exits in the usual way after an interrupt, so that the handlers of "exit" clean up.
  process.once("SIGINT", () => process.exit(130));
  let other: OtherVersion | undefined;
  try {
    if (asked.against !== undefined) other = buildOtherVersion(asked.against);
    const workloads = asked.workloads.flatMap((workload) => programsToRun(workload, other));
    const comparisons = await compareAll(workloads, cores, asked);
    const relays = asked.relays ? await measureRelays(cores, asked) : [];
    const stores = asked.relays ? await measureStores(asked) : [];
    if (comparisons.length > 0) console.log(`\n${alignedTable(summaryOf(comparisons))}\n`);
    for (const path of writeResults(asked, machine, comparisons, relays, stores)) console.log(path);
    if (comparisons.some(({ failures }) => failures.length > 0)) process.exitCode = 1;
  } catch (error) {
    fail((error as Error).message);
  } finally {
    other?.remove();
  }
}

/** Leaves out programs that cannot run here, and a workload without programs. */
function programsToRun(workload: Workload, other: OtherVersion | undefined): Workload[] {
  const programs =
    other === undefined
      ? workload.programs.filter((program) => runtimePath(runtimeOf(program)) !== undefined)
      : other.pairsOf(workload.programs);
  return programs.length === 0 ? [] : [{ ...workload, programs }];
}

async function compareAll(
  workloads: readonly Workload[],
  cores: Cores,
  { effort }: WorkloadsCommand,
): Promise<readonly Comparison[]> {
  const progress = new Progress(
    workloads.reduce((sum, workload) => sum + stepsOf(workload, effort), 0),
  );
  const comparisons: Comparison[] = [];
  for (const workload of workloads) {
    const comparison = await compare(workload, cores, effort, (text) => {
      progress.step(`${workload.name}: ${text}`);
    });
    progress.clear();
    print(comparison);
    comparisons.push(comparison);
  }
  return comparisons;
}

async function measureRelays(
  cores: Cores,
  { effort }: WorkloadsCommand,
): Promise<readonly Relay[]> {
  const progress = new Progress(RELAYS.length);
  const relays: Relay[] = [];
  for (const relay of RELAYS) {
    progress.step(`relays: topics through ${relay.engine}`);
    relays.push(await measureRelay(relay, cores, effort.relays));
  }
  progress.clear();
  console.log(`\nrelays: ${RELAY_LOAD}; all processes together, in wall-clock time`);
  console.log(alignedTable(relayTable(relays)));
  return relays;
}

async function measureStores({ effort }: WorkloadsCommand): Promise<readonly Store[]> {
  const progress = new Progress(STORES.length);
  const stores: Store[] = [];
  for (const kind of STORES) {
    progress.step(`publications: ${kind.name}`);
    stores.push(await measureStore(kind, effort.relays.measuredMs));
  }
  progress.clear();
  console.log(`\npublications: ${STORE_LOAD}; in wall-clock time`);
  console.log(alignedTable(storeTable(stores)));
  return stores;
}

function print(comparison: Comparison): void {
  const { workload, scale, failures } = comparison;
  console.log(`\n${workload.name}: ${describeWorkload(workload)}`);
  console.log(`ratio of ${scale.title}, ${scale.better} is better; median (lowest - highest)`);
  console.log(alignedTable(tableOf(comparison)));
  for (const { program, reason } of failures) console.log(`${program.name} failed: ${reason}`);
}

function fail(message: string): void {
  console.error(message);
  process.exitCode = 1;
}
