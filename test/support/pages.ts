import type { Browser as Playwright } from "playwright-core";
import type { Browser as Puppeteer } from "puppeteer-core";

/** A page in a browser, whichever library drives it. */
export interface TestPage {
  goto(url: string): Promise<void>;
  /** Runs a function in the page, and returns its result. Both sides of it must be JSON. */
  evaluate<Result, Argument>(
    run: (argument: Argument) => Result | Promise<Result>,
    argument: Argument,
  ): Promise<Result>;
  /** Resolves when the function, which runs in the page, returns true. */
  waitFor(condition: () => boolean): Promise<void>;
  setOffline(isOffline: boolean): Promise<void>;
}

export interface TestBrowser {
  newPage(): Promise<TestPage>;
  close(): Promise<void>;
}

/** The methods of a page that both libraries have. */
interface DrivenPage {
  goto(url: string): Promise<unknown>;
  evaluate(run: never, argument: never): Promise<unknown>;
  waitForFunction(condition: () => boolean): Promise<unknown>;
}

/** The browser of Playwright, which drives Chromium. */
export function fromPlaywright(browser: Playwright): TestBrowser {
  return toTestBrowser(browser, async (page, isOffline) => {
    await page.context().setOffline(isOffline);
  });
}

/** The browser of Puppeteer, which drives Firefox. */
export function fromPuppeteer(browser: Puppeteer): TestBrowser {
  return toTestBrowser(browser, async (page, isOffline) => {
    await page.setOfflineMode(isOffline);
  });
}

function toTestBrowser<Page extends DrivenPage>(
  browser: { newPage(): Promise<Page>; close(): Promise<void> },
  setOffline: (page: Page, isOffline: boolean) => Promise<void>,
): TestBrowser {
  return {
    async newPage() {
      const page = await browser.newPage();
      return {
        goto: async (url) => void (await page.goto(url)),
        evaluate: async <Result, Argument>(
          run: (argument: Argument) => Result | Promise<Result>,
          argument: Argument,
        ) => (await page.evaluate(run as never, argument as never)) as Result,
        waitFor: async (condition) => void (await page.waitForFunction(condition)),
        setOffline: async (isOffline) => await setOffline(page, isOffline),
      };
    },
    close: async () => await browser.close(),
  };
}
