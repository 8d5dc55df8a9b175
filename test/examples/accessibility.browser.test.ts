import type { Browser } from "playwright-core";
import { serve } from "tideway/server";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { contentTypeRoutes } from "../../examples/content-type/src/routes.ts";
import { findAccessibilityFaults } from "../support/axe.ts";
import { describeInBrowser, launchBrowser } from "../support/browser.ts";
import { ChatPage } from "./chat-page.ts";
import { startChat } from "./chat-process.ts";
import type { ExampleProcess } from "./example-process.ts";
import { SCREENS } from "./screens.ts";

describeInBrowser("axe reports no violation", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser.close();
  });

  describe.each(SCREENS)("in the chat on %s", (_, options) => {
    let server: ExampleProcess;
    let chat: ChatPage;

    beforeAll(async () => {
      server = await startChat();
    });

    afterAll(async () => {
      await server.kill("SIGKILL");
    });

    beforeEach(async () => {
      // Elements that fade in have too little contrast for a moment.
      chat = await ChatPage.open(browser, server.url, { ...options, reducedMotion: "reduce" });
    });

    afterEach(async () => {
      await chat.close();
    });

    async function expectNoFaults(): Promise<void> {
      expect(await findAccessibilityFaults(chat.page)).toEqual([]);
      // No element may overflow the page horizontally.
      const overflow = () => document.documentElement.scrollWidth - innerWidth;
      expect(await chat.page.evaluate(overflow)).toBeLessThanOrEqual(0);
    }

    async function join(): Promise<void> {
      await chat.page.getByLabel("Your name", { exact: true }).fill("Ana");
      await chat.page.getByRole("button", { name: "Join the chat" }).click();
    }

    it("before joining, with and without a name", async () => {
      await expectNoFaults();
      await chat.page.getByRole("button", { name: "Join the chat" }).click();
      await chat.page.getByText("Type a name to join.").waitFor();
      await expectNoFaults();
    });

    it("online, with messages, links, notices, people and the dialog", async () => {
      await join();
      await chat.sees("You are in the chat as");
      await expectNoFaults();
      const bo = await ChatPage.join(browser, server.url, "Bo");
      await bo.say("have a look at https://example.com/a/rather/long/path?with=a&long=query");
      await chat.sees("have a look at");
      await chat.say(`an own message with http://example.com and ${"x".repeat(7_600)}`);
      await bo.sees("an own message");
      await chat.composer.fill("x".repeat(7_999));
      await chat.page.getByText("1 character left").waitFor();
      await expectNoFaults();
      const people = chat.page.locator("#people-toggle");
      if (await people.isVisible()) {
        await people.click();
        await expectNoFaults();
      }
      await chat.page.getByRole("button", { name: "Change my name" }).click();
      await expectNoFaults();
      await bo.close();
    });

    it("offline, with unsent messages", async () => {
      await join();
      await chat.sees("You are in the chat as");
      await server.kill("SIGKILL");
      await chat.isState("waiting");
      await chat.say("typed offline");
      await chat.page.getByText("Will be sent when you are online").waitFor();
      await expectNoFaults();
      await chat.page.context().setOffline(true);
      await chat.page.getByText("This device is offline").first().waitFor();
      await expectNoFaults();
      server = await startChat({ PORT: server.port });
      // The page reconnects at once when its device goes online.
      await chat.page.context().setOffline(false);
      await chat.isState("online");
      await expectNoFaults();
    });
  });

  it.each(SCREENS)("on the page of the content types on %s", async (_, options) => {
    const server = await serve({ port: 0, host: "127.0.0.1", routes: contentTypeRoutes });
    const context = await browser.newContext(options);
    const page = await context.newPage();
    await page.goto(`${server.url}/contentType`);
    await page.getByText("woff2 is font/woff2").waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);
    await server.stop();
    await page
      .getByRole("status")
      .filter({ hasText: /^(?!Connected)/ })
      .waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);
    await context.close();
  });
});
