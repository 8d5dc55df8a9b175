import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { findAccessibilityFaults } from "../support/axe.ts";
import { describeInBrowser, launchBrowser } from "../support/browser.ts";
import { startChat } from "./chat-process.ts";
import type { ExampleProcess } from "./example-process.ts";
import { SCREENS } from "./screens.ts";

describeInBrowser("the page of the whiteboard, from npm start", () => {
  let browser: Browser;
  let server: ExampleProcess;
  let boards = 0;

  beforeAll(async () => {
    browser = await launchBrowser();
    server = await startChat();
  });

  afterAll(async () => {
    await browser.close();
    await server.kill("SIGTERM");
  });

  /** Opens pages of users with a board that no other test uses. */
  async function open(count: number, board = `test-${++boards}`): Promise<Page[]> {
    return await Promise.all(
      Array.from({ length: count }, async () => {
        const page = await (await browser.newContext()).newPage();
        await page.goto(`${server.url}whiteboard/?board=${board}`);
        await page.getByText("Connected").waitFor();
        await page.locator("#people li", { hasText: "(you)" }).waitFor();
        return page;
      }),
    );
  }

  /** Draws a line from one corner towards the middle. */
  async function draw(page: Page): Promise<void> {
    const { x, y, width, height } = (await page.locator("svg").boundingBox())!;
    await page.mouse.move(x + width * 0.1, y + height * 0.1);
    await page.mouse.down();
    await page.mouse.move(x + width * 0.5, y + height * 0.5, { steps: 20 });
    await page.mouse.up();
  }

  const points = async (page: Page): Promise<string> =>
    (await page.locator("polyline").getAttribute("points"))!.trim().split(/\s+/).join(" ");

  /** Waits until the page shows this number of strokes, and none that is only a draft. */
  async function showsStrokes(page: Page, count: number): Promise<void> {
    await page.waitForFunction((n) => document.querySelectorAll("polyline").length === n, count);
  }

  it("shows strokes to all users, and to users that come later", async () => {
    const board = "shared";
    const [ana, bo] = await open(2, board);
    await draw(ana);
    await showsStrokes(bo, 1);
    await showsStrokes(ana, 1);
    const [late] = await open(1, board);
    await showsStrokes(late, 1);
    await expect.poll(() => points(bo)).toBe(await points(ana));
    expect(await points(late)).toBe(await points(ana));
    expect((await points(ana)).split(" ").length).toBeGreaterThan(10);
    await bo.getByRole("button", { name: "Clear the board" }).click();
    for (const page of [ana, bo, late]) await showsStrokes(page, 0);
    for (const page of [ana, bo, late]) await page.context().close();
  });

  it("shows the users, and the pointers of the other users", async () => {
    const [ana, bo] = await open(2);
    await ana.locator("#people li").nth(1).waitFor();
    const { x, y, width, height } = (await ana.locator("svg").boundingBox())!;
    const moving = setInterval(() => {
      void ana.mouse.move(x + width * (0.3 + Math.random() / 10), y + height / 2).catch(() => {});
    }, 50);
    await bo.locator("svg > g text").waitFor();
    clearInterval(moving);
    expect(await ana.locator("svg > g text").count()).toBe(0);
    await ana.context().close();
    await bo.waitForFunction(() => document.querySelectorAll("#people li").length === 1);
    expect(await bo.locator("svg > g text").count()).toBe(0);
    await bo.context().close();
  });

  it.each(SCREENS)("has no violation that axe finds, on %s", async (_, options) => {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    await page.goto(`${server.url}whiteboard/?board=screens`);
    await page.locator("#people li").first().waitFor();
    await draw(page);
    expect(await findAccessibilityFaults(page)).toEqual([]);
    const overflow = () => document.documentElement.scrollWidth - innerWidth;
    expect(await page.evaluate(overflow)).toBeLessThanOrEqual(0);
    await context.close();
  });

  // The last test, because it ends the server.
  it("sends strokes that were drawn offline, and clears strokes that the server has lost", async () => {
    const [ana] = await open(1, "restarted");
    await draw(ana);
    await showsStrokes(ana, 1);
    const before = await points(ana);
    await server.kill("SIGKILL");
    await ana.getByText("Offline").waitFor();
    await ana.mouse.move(0, 0);
    await draw(ana);
    server = await startChat({ PORT: server.port });
    await ana.getByText("Connected").waitFor();
    await showsStrokes(ana, 1);
    const [late] = await open(1, "restarted");
    await showsStrokes(late, 1);
    await expect.poll(() => points(ana)).toBe(await points(late));
    expect(before).not.toBe("");
    for (const page of [ana, late]) await page.context().close();
  });
});
