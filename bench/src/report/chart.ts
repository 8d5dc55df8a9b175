import { describeLoad } from "../load/loads.ts";
import type { Library } from "../programs.ts";
import type { Comparison, Result } from "../run/compare.ts";

const WIDTH = 960;
const NAMES_WIDTH = 400;
const RIGHT_MARGIN = 60;
const HEAD_HEIGHT = 84;
const BAR_HEIGHT = 9;
const ROW_GAP = 10;

/** Told apart by lightness too, for those who do not see the hues. */
const COLOURS: Readonly<Record<Library, string>> = {
  tideway: "#0b5fa5",
  bun: "#e0a030",
  net: "#b9b9b9",
  ws: "#7a3b8f",
};

/**
 * A bar for each program but the first, as long as its ratio to the first on a logarithmic scale;
 * the thin line goes from the lowest round to the highest, the tick is the target.
 */
export function chartOf(title: string, comparisons: readonly Comparison[]): string {
  const drawn = comparisons.filter(({ results }) => results.length > 1);
  const scale = new LogScale(drawn.flatMap(({ results }) => results.flatMap(extremes)));
  const parts: string[] = [];
  let top = HEAD_HEIGHT;
  for (const comparison of drawn) {
    const bars = comparison.results.slice(1);
    const height = bars.length * BAR_HEIGHT;
    parts.push(...row(comparison, bars, top, height, scale));
    top += height + ROW_GAP;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top + 10}" font-family="sans-serif" font-size="11">`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    `<text x="16" y="24" font-size="15" font-weight="bold">${escaped(title)}</text>`,
    ...legend(drawn),
    ...grid(scale, top),
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

class LogScale {
  readonly #low: number;
  readonly #high: number;

  constructor(values: readonly number[]) {
    const finite = values.filter((value) => Number.isFinite(value) && value > 0);
    this.#low = Math.log(Math.max(0.05, Math.min(0.8, ...finite)));
    this.#high = Math.log(Math.max(2, ...finite));
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

function row(
  comparison: Comparison,
  bars: readonly Result[],
  top: number,
  height: number,
  scale: LogScale,
): string[] {
  const { workload } = comparison;
  const less = comparison.scale.better === "less" ? " (less is better)" : "";
  const label = escaped(`${describeLoad(workload.load)}${less}`);
  const middle = top + height / 2 + 4;
  return [
    `<text x="${NAMES_WIDTH - 10}" y="${middle}" text-anchor="end">${label}</text>`,
    ...bars.flatMap((result, at) => bar(result, top + at * BAR_HEIGHT, scale)),
    ...targetMark(comparison, top, height, scale),
  ];
}

function bar({ program, ratio }: Result, y: number, scale: LogScale): string[] {
  const start = scale.x(1);
  const end = scale.x(ratio.median);
  const middle = y + BAR_HEIGHT / 2;
  const name = escaped(`${program.name}: ${ratio.median.toFixed(2)}`);
  const labelAt = Math.max(scale.x(ratio.max), end, start) + 4;
  return [
    `<rect x="${Math.min(start, end)}" y="${y}" width="${Math.abs(end - start)}" height="${BAR_HEIGHT - 1}" fill="${COLOURS[program.library]}"><title>${name}</title></rect>`,
    `<path d="M${scale.x(ratio.min)} ${middle}H${scale.x(ratio.max)}" stroke="#222222" stroke-width="1"/>`,
    `<text x="${labelAt}" y="${y + BAR_HEIGHT - 1}" font-size="9" fill="#444444">${ratio.median.toFixed(2)}</text>`,
  ];
}

/** Targets in bytes have no place on a scale of ratios. */
function targetMark(
  { workload }: Comparison,
  top: number,
  height: number,
  scale: LogScale,
): string[] {
  if (workload.target === undefined || workload.load.kind === "idle") return [];
  const x = scale.x(workload.target.least);
  return [
    `<path d="M${x} ${top - 3}V${top + height + 2}" stroke="#c02020" stroke-width="2"><title>target: ${workload.target.least}</title></path>`,
  ];
}

function grid(scale: LogScale, bottom: number): string[] {
  return [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100]
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
  const shown = new Map<Library, string>();
  for (const { results } of comparisons) {
    for (const { program } of results.slice(1)) {
      if (!shown.has(program.library)) shown.set(program.library, program.name);
    }
  }
  let x = 16;
  const parts = Array.from(shown, ([library, name]) => {
    const at = x;
    x += 40 + name.length * 7;
    return `<rect x="${at}" y="38" width="12" height="12" fill="${COLOURS[library]}"/><text x="${at + 17}" y="48">${escaped(name)}</text>`;
  });
  return [
    ...parts,
    `<path d="M${x + 4} 37V51" stroke="#c02020" stroke-width="2"/><text x="${x + 12}" y="48">target of tideway</text>`,
  ];
}

function extremes({ ratio }: Result): number[] {
  return [ratio.min, ratio.max];
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
