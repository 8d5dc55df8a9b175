import { versions } from "node:process";
import { UsageError } from "../../errors/index.ts";

/** Why this runtime does not support an option, with a link to its issue tracker. */
export interface RuntimeGaps {
  readonly http2?: string;
  readonly SNICallback?: string;
  readonly reusePort?: string;
}

/** The options of `serve` that this runtime does not support. */
export const RUNTIME_GAPS: RuntimeGaps = gapsOf(versions);

/** @param runtime `process.versions` */
export function gapsOf(runtime: Readonly<Record<string, string | undefined>>): RuntimeGaps {
  const { bun } = runtime;
  if (bun === undefined) return {};
  const because = (what: string, path: string): string =>
    `Bun ${bun} ${what} (https://github.com/oven-sh/bun/${path})`;
  return {
    http2: because("does not negotiate ALPN in node:https", "pull/33545"),
    SNICallback: because("does not call SNICallback in node:https", "pull/36707"),
    reusePort: because("ignores reusePort in node:http", "issues/43690"),
  };
}

/**
 * @param gap why this runtime does not support `option`; undefined if it does
 * @throws {@link UsageError} `UNSUPPORTED` if there is a gap
 */
export function refuseGap(option: string, gap: string | undefined): void {
  if (gap === undefined) return;
  throw new UsageError(
    "UNSUPPORTED",
    `serve: ${option} is not available: ${gap}; leave out ${option}, or use another runtime`,
  );
}
