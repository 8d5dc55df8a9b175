import type { Browser } from "playwright-core";
import { serve, type Server } from "tideway/server";
import { afterAll, beforeAll, expect, it } from "vitest";
import { contentTypeRoutes } from "../../examples/content-type/src/routes.ts";
import { describeInBrowser, launchBrowser } from "../support/browser.ts";

describeInBrowser("the page of the content types", () => {
  let browser: Browser;
  let server: Server;

  beforeAll(async () => {
    browser = await launchBrowser();
    const routes = { "/": contentTypeRoutes["/contentType"], ...contentTypeRoutes };
    server = await serve({ port: 0, host: "127.0.0.1", routes });
  });

  afterAll(async () => {
    await browser.close();
    await server.stop();
  });

  it.each(["/", "/contentType", "/contentType/"])(
    "asks for some types when it is loaded from %s, and for others when the user asks",
    async (path) => {
      const page = await browser.newPage();
      await page.goto(server.url + path);
      await page.getByText("woff2 is font/woff2").waitFor();
      await page.getByLabel("File extension").fill("pdf");
      await page.keyboard.press("Enter");
      await page.getByText("pdf is application/pdf").waitFor();
      expect(await page.locator("#answers li").count()).toBe(8);
      await page.close();
    },
  );

  it("shows hostile names as text", async () => {
    const page = await browser.newPage();
    await page.goto(server.url);
    await page.getByLabel("File extension").fill("<img src=x>");
    await page.keyboard.press("Enter");
    await page.getByText("<img src=x> is unknown").waitFor();
    expect(await page.locator("img").count()).toBe(0);
    await page.close();
  });
});
