import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Application, createApplication } from "../../examples/express/src/application.ts";
import { findAccessibilityFaults } from "../support/axe.ts";
import { describeInBrowser, launchBrowser } from "../support/browser.ts";
import { SCREENS } from "./screens.ts";

describeInBrowser("the page of the Express example", () => {
  let browser: Browser;
  let app: Application;
  let url: string;

  beforeAll(async () => {
    browser = await launchBrowser();
    app = createApplication("secret");
    app.http.listen(0, "127.0.0.1");
    await once(app.http, "listening");
    url = `http://127.0.0.1:${(app.http.address() as AddressInfo).port}/`;
  });

  afterAll(async () => {
    await browser.close();
    await app.stop();
  });

  async function logIn(page: Page, name: string): Promise<void> {
    await page.goto(url);
    await page.getByLabel("Your name", { exact: true }).fill(name);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByText("Connected").waitFor();
  }

  it("logs in, sends messages, stays logged in after a reload, and logs out in all windows", async () => {
    const context = await browser.newContext();
    const [page, second] = [await context.newPage(), await context.newPage()];
    await logIn(page, "Ana");
    await page.getByLabel("Message", { exact: true }).fill("<b>hello</b>");
    await page.keyboard.press("Enter");
    await page.getByRole("log").getByText("Ana <b>hello</b>").waitFor();
    await page.reload();
    await page.getByText("You are Ana.").waitFor();
    await second.goto(url);
    await second.getByText("Connected").waitFor();
    await page.getByRole("button", { name: "Log out" }).click();
    for (const each of [page, second]) {
      await each.getByText("You are logged out.").waitFor();
      expect(await each.getByLabel("Your name", { exact: true }).isVisible()).toBe(true);
    }
    await context.close();
  });

  it.each(SCREENS)("has no violation that axe finds, on %s", async (_, options) => {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    await page.goto(url);
    await page.getByLabel("Your name", { exact: true }).waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);
    await logIn(page, "x".repeat(30));
    await page.getByLabel("Message", { exact: true }).fill("y".repeat(200));
    await page.keyboard.press("Enter");
    await page.getByRole("log").getByText("yyy").waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);
    const overflow = () => document.documentElement.scrollWidth - innerWidth;
    expect(await page.evaluate(overflow)).toBeLessThanOrEqual(0);
    await context.close();
  });
});
