import { countLosses, findViolations, type ViolationKind } from "./checker.ts";
import type { RunLog } from "./log.ts";

const KINDS: readonly ViolationKind[] = [
  "lost",
  "doubled",
  "out of order",
  "not caught up",
  "other",
];
const MAX_VIOLATIONS = 20;

/** Describes a run in lines of text. */
export function reportRun(run: RunLog): { readonly lines: string[]; readonly isCorrect: boolean } {
  const violations = findViolations(run);
  const events = run.clients.flatMap((client) => client.events);
  const received = events.filter(({ type }) => type === "publication").length;
  const counts = KINDS.map((kind) => {
    return `${kind} ${violations.filter((violation) => violation.kind === kind).length}`;
  });
  return {
    isCorrect: violations.length === 0,
    lines: [
      ...outcomeLines(run),
      `${received} publications were delivered over ${run.connections} connections`,
      `${countLosses(run)} notices reported missed publications to a client`,
      ...violations.slice(0, MAX_VIOLATIONS).map(({ kind, text }) => `${kind}: ${text}`),
      `violations: ${counts.join(", ")}`,
    ],
  };
}

/** How many publishes ended in which way. */
function outcomeLines({ publishers }: RunLog): string[] {
  const counts = new Map<string, number>();
  for (const { outcome } of publishers.flatMap(({ publishes }) => publishes)) {
    const name =
      outcome?.type === "failed"
        ? `failed with ${outcome.code}, mayBeStored ${outcome.mayBeStored}`
        : outcome === undefined
          ? "never settled"
          : "were acknowledged";
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return Array.from(counts, ([name, count]) => `${count} publishes ${name}`);
}
