import { type Library, nameOf, type Program } from "../programs.ts";
import type { Comparison } from "../run/compare.ts";
import type { Spread } from "../run/statistics.ts";
import { describeWorkload } from "../workloads.ts";

const WIDTH = 960;
const NAMES_WIDTH = 392;
const RIGHT_MARGIN = 110;
const HEAD_HEIGHT = 84;
const BAR_HEIGHT = 9;
const LEAST_ROW_HEIGHT = 22;
const ROW_GAP = 9;
const SECTION_HEIGHT = 34;

/** The colours also differ in lightness, for people with colour blindness. */
const COLOURS: Readonly<Record<Library, string>> = {
  tideway: "#0b5fa5",
  bun: "#e0a030",
  deno: "#8250df",
  net: "#b9b9b9",
  ws: "#7a3b8f",
  http: "#5c5c5c",
  "socket.io": "#2e7d4f",
};

/**
 * Draws a bar for each program except the first. Its length is the ratio to the first program on a
 * logarithmic scale, and a thin line shows the lowest and the highest round. A tick marks the target.
 * Workloads where less is better have a separate section.
 */
export function chartOf(title: string, comparisons: readonly Comparison[]): string {
  const drawn = comparisons.filter((comparison) => isComparable(comparison, comparisons[0]));
  const scale = new LogScale(drawn.flatMap(barsOf));
  const body: string[] = [];
  let top = HEAD_HEIGHT;
  for (const better of ["more", "less"] as const) {
    const rows = drawn.filter((comparison) => comparison.scale.better === better);
    if (rows.length === 0) continue;
    body.push(
      `<text x="16" y="${top + 20}" font-size="12" font-weight="bold">${better} is better</text>`,
    );
    top += SECTION_HEIGHT;
    for (const comparison of rows) {
      body.push(...row(comparison, top, scale));
      top += heightOf(comparison) + ROW_GAP;
    }
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top + 10}" font-family="sans-serif" font-size="11">`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    `<text x="16" y="24" font-size="15" font-weight="bold">${escaped(title)}</text>`,
    ...legend(drawn),
    ...grid(scale, top),
    ...body,
    "</svg>",
    "",
  ].join("\n");
}

/** Whether a comparison has ratios to the same library as `first`, so that they share a scale. */
function isComparable(comparison: Comparison, first: Comparison): boolean {
  const [baseline] = comparison.workload.programs;
  return baseline.library === first.workload.programs[0].library && barsOf(comparison).length > 0;
}

/** A program with a ratio. */
interface Bar {
  readonly program: Program;
  readonly ratio: Spread;
}

function barsOf({ workload, results }: Comparison): readonly Bar[] {
  return results.flatMap(({ program, ratio }) =>
    program === workload.programs[0] || ratio === undefined ? [] : [{ program, ratio }],
  );
}

function heightOf(comparison: Comparison): number {
  return Math.max(LEAST_ROW_HEIGHT, barsOf(comparison).length * BAR_HEIGHT);
}

/** The limits of the scale, so that a few extreme bars do not compress all others. */
const LOWEST = 0.1;
const HIGHEST = 50;

class LogScale {
  readonly #low: number;
  readonly #high: number;

  constructor(results: readonly Bar[]) {
    this.#low = Math.log(Math.max(LOWEST, Math.min(0.8, ...results.map(({ ratio }) => ratio.min))));
    this.#high = Math.log(Math.min(HIGHEST, Math.max(2, ...results.map(({ ratio }) => ratio.max))));
  }

  x(value: number): number {
    const share = (Math.log(value) - this.#low) / (this.#high - this.#low);
    const x = NAMES_WIDTH + Math.min(1, Math.max(0, share)) * (WIDTH - NAMES_WIDTH - RIGHT_MARGIN);
    return Math.round(x * 10) / 10;
  }

  has(value: number): boolean {
    return Math.log(value) >= this.#low && Math.log(value) <= this.#high;
  }
}

function row(comparison: Comparison, top: number, scale: LogScale): string[] {
  const { workload } = comparison;
  const bars = barsOf(comparison);
  const height = heightOf(comparison);
  const right = NAMES_WIDTH - 12;
  const middle = top + height / 2;
  const first = middle - (bars.length * BAR_HEIGHT) / 2;
  return [
    `<text x="${right}" y="${middle - 2}" text-anchor="end" font-weight="bold">${workload.name}</text>`,
    `<text x="${right}" y="${middle + 9}" text-anchor="end" font-size="9" fill="#555555">${escaped(describeWorkload(workload))}</text>`,
    ...targetMark(comparison, top, height, scale),
    ...bars.flatMap((result, at) => bar(result, first + at * BAR_HEIGHT, scale)),
  ];
}

function bar({ program, ratio }: Bar, y: number, scale: LogScale): string[] {
  const start = scale.x(1);
  const end = scale.x(ratio.median);
  const middle = y + BAR_HEIGHT / 2;
  const isVariant = program.name !== nameOf(program.library);
  const label = `${ratio.median.toFixed(2)}${isVariant ? ` ${program.name}` : ""}`;
  const labelAt = Math.max(scale.x(ratio.max), start) + 4;
  return [
    `<rect x="${Math.min(start, end)}" y="${y}" width="${Math.abs(end - start)}" height="${BAR_HEIGHT - 1}" fill="${COLOURS[program.library]}" fill-opacity="${isVariant ? 0.5 : 1}"/>`,
    `<path d="M${scale.x(ratio.min)} ${middle}H${scale.x(ratio.max)}" stroke="#222222" stroke-width="1"/>`,
    `<text x="${labelAt}" y="${y + BAR_HEIGHT - 1}" font-size="9" fill="#444444">${escaped(label)}</text>`,
  ];
}

/** The mark of the target. A target in bytes has no mark, because the scale shows ratios. */
function targetMark(
  { workload }: Comparison,
  top: number,
  height: number,
  scale: LogScale,
): string[] {
  if (workload.target === undefined || workload.load.kind === "idle") return [];
  const x = scale.x(workload.target.required);
  return [
    `<path d="M${x} ${top - 2}V${top + height + 2}" stroke="#c02020" stroke-width="2"><title>target: ${workload.target.required}</title></path>`,
  ];
}

function grid(scale: LogScale, bottom: number): string[] {
  return [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50]
    .filter((value) => scale.has(value))
    .flatMap((value) => {
      const x = scale.x(value);
      const colour = value === 1 ? "#222222" : "#dddddd";
      return [
        `<path d="M${x} ${HEAD_HEIGHT - 8}V${bottom}" stroke="${colour}" stroke-width="1"/>`,
        `<text x="${x}" y="${HEAD_HEIGHT - 12}" text-anchor="middle" fill="#444444">${value}</text>`,
      ];
    });
}

function legend(comparisons: readonly Comparison[]): string[] {
  const libraries = new Set(comparisons.flatMap(barsOf).map(({ program }) => program.library));
  let x = 16;
  const parts = Array.from(libraries, (library) => {
    const at = x;
    x += 40 + nameOf(library).length * 7;
    return `<rect x="${at}" y="38" width="12" height="12" fill="${COLOURS[library]}"/><text x="${at + 17}" y="48">${nameOf(library)}</text>`;
  });
  return [
    ...parts,
    `<path d="M${x + 4} 37V51" stroke="#c02020" stroke-width="2"/><text x="${x + 12}" y="48">target of tideway</text>`,
  ];
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
