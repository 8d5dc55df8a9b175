import axe from "axe-core";
import type { Page } from "playwright-core";

/** What axe finds on the page as it is now: each rule that is broken, with the elements. */
export async function findAccessibilityFaults(page: Page): Promise<string[]> {
  // Not by a script element, which the page's content security policy would stop.
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { axe: checker } = globalThis as unknown as { axe: typeof axe };
    const { violations } = await checker.run(document);
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id} at ${target.join(" ")}: ${failureSummary}`),
    );
  });
}
