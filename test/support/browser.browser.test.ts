import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeInBrowser, launchBrowser } from "./browser.ts";

describeInBrowser("the browser of these tests", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser.close();
  });

  it("runs scripts in a page and has the native WebSocket", async () => {
    const page = await browser.newPage();
    expect(await page.evaluate("typeof WebSocket")).toBe("function");
  });
});
