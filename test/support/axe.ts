import axe from "axe-core";
import type { Page } from "playwright-core";

/** Runs axe on the page. Returns each violated rule with its elements. */
export async function findAccessibilityFaults(page: Page): Promise<string[]> {
  // A script element would violate the page's content security policy.
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { axe: checker } = globalThis as unknown as { axe: typeof axe };
    const { violations } = await checker.run(document);
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id} at ${target.join(" ")}: ${failureSummary}`),
    );
  });
}
