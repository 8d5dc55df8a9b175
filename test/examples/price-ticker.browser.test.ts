import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { findAccessibilityFaults } from "../support/axe.ts";
import { describeInBrowser, launchBrowser } from "../support/browser.ts";
import { Engine } from "../support/engine.ts";
import { describeWithEngine } from "../support/with-engine.ts";
import { SCREENS } from "./screens.ts";
import { Ticker } from "./ticker.ts";

describeInBrowser("the page of the price ticker", () => {
  describeWithEngine("redis", "with Redis", (path) => {
    let browser: Browser;
    let engine: Engine;
    let ticker: Ticker;

    beforeAll(async () => {
      browser = await launchBrowser();
      engine = await Engine.redis(path);
      ticker = await Ticker.start(engine);
    });

    afterAll(async () => {
      await browser.close();
      await ticker.stop();
      await engine[Symbol.asyncDispose]();
    });

    const count = async (page: Page, name: string): Promise<string> =>
      await page.locator(`#${name}`).innerText();

    it.each(SCREENS)("has no violation that axe finds, on %s", async (_, options) => {
      const context = await browser.newContext(options);
      const page = await context.newPage();
      await page.goto(ticker.urls[0]);
      await page.getByRole("row", { name: /^Wheat \d/ }).waitFor();
      expect(await findAccessibilityFaults(page)).toEqual([]);
      const overflow = () => document.documentElement.scrollWidth - innerWidth;
      expect(await page.evaluate(overflow)).toBeLessThanOrEqual(0);
      await context.close();
    });

    // The last test, because it kills a server.
    it("misses no price and shows none twice when its server is killed", async () => {
      const page = await browser.newPage();
      await page.goto(ticker.urls[1]);
      await page.getByText(`Connected to ${ticker.urls[1]}`).waitFor();
      await page.getByRole("row", { name: /^Wheat \d/ }).waitFor();
      await ticker.kill(1);
      await page.getByText(`Connected to ${ticker.urls[0]}`).waitFor();
      const received = Number(await count(page, "received"));
      await page.waitForFunction(
        (before) => Number(document.querySelector("#received")!.textContent) > before,
        received,
      );
      expect([await count(page, "missed"), await count(page, "repeated")]).toEqual(["0", "0"]);
      expect(await count(page, "reconnects")).toBe("1");
      const symbols = await page.locator("tbody th").allInnerTexts();
      expect(symbols).toEqual(["Barley", "Coffee", "Tea", "Wheat"]);
      await page.close();
    });
  });
});
