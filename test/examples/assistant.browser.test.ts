import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { findAccessibilityFaults } from "../support/axe.ts";
import { describeInBrowser, launchBrowser } from "../support/browser.ts";
import { Engine } from "../support/engine.ts";
import { describeWithEngine } from "../support/with-engine.ts";
import { AssistantPage } from "./assistant-page.ts";
import { AssistantServers } from "./assistant-servers.ts";
import { startChat } from "./chat-process.ts";
import type { ExampleProcess } from "./example-process.ts";
import { SCREENS } from "./screens.ts";

const QUESTION = "How do I learn to sail?";

describeInBrowser("the page of the assistant", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser.close();
  });

  describe("with the broker in memory, from npm start", () => {
    let server: ExampleProcess;
    let url: string;
    let page: AssistantPage;

    async function start(tokenMs: number): Promise<void> {
      server = await startChat({ PORT: "0", TOKEN_MS: String(tokenMs) });
      url = new URL(server.url).origin;
      page = await AssistantPage.open(await browser.newContext(), url);
    }

    afterEach(async () => {
      await page.page.context().close();
      await server.kill("SIGTERM");
    });

    it("shows an answer token by token, through a reload and in a second tab", async () => {
      await start(30);
      await page.ask(QUESTION);
      const second = await page.openSecondTab();
      await page.page.reload();
      await second.isAnswered(QUESTION);
      await page.isAnswered(QUESTION);
      const expected = await page.expectedAnswer(QUESTION);
      expect(await page.answer(QUESTION)).toBe(expected);
      expect(await second.answer(QUESTION)).toBe(expected);
      expect(await page.note(QUESTION).innerText()).toBe("");
    });

    it("stops an answer from another tab, for both tabs", async () => {
      await start(300);
      await page.ask(QUESTION);
      const second = await page.openSecondTab();
      await second.hasTokens(QUESTION, 3);
      await second.stop(QUESTION);
      for (const tab of [page, second]) {
        await tab.isAnswered(QUESTION);
        expect(await tab.note(QUESTION).innerText()).toBe("Stopped");
      }
      const text = await page.answer(QUESTION);
      expect(await second.answer(QUESTION)).toBe(text);
      expect((await page.expectedAnswer(QUESTION)).startsWith(text)).toBe(true);
      await page.ask("What comes next?");
      expect(await page.answer(QUESTION)).toBe(text);
    });

    it("says that the conversation does not survive the end of the server, and that it was lost", async () => {
      await start(30);
      await page.page.getByText("It does not survive the end of the server").waitFor();
      await page.ask(QUESTION);
      await server.kill("SIGKILL");
      server = await startChat({ PORT: server.port, TOKEN_MS: "30" });
      await page.page.getByText("The server has lost the conversation").waitFor();
      expect(await page.page.locator("#log li").count()).toBe(0);
      await page.ask("Do you still answer?");
      await page.isAnswered("Do you still answer?");
    });

    it("shows markup in a question as text", async () => {
      await start(30);
      await page.ask("<img src=x> what is this?");
      expect(await page.page.locator("#log img").count()).toBe(0);
    });
  });

  describe("has no violation that axe finds", () => {
    let server: ExampleProcess;

    beforeAll(async () => {
      server = await startChat({ PORT: "0", TOKEN_MS: "300" });
    });

    afterAll(async () => {
      await server.kill("SIGTERM");
    });

    it.each(SCREENS)("on %s", async (_, options) => {
      const context = await browser.newContext({ ...options, reducedMotion: "reduce" });
      const page = await AssistantPage.open(context, new URL(server.url).origin);
      expect(await findAccessibilityFaults(page.page)).toEqual([]);
      await page.ask(QUESTION);
      expect(await findAccessibilityFaults(page.page)).toEqual([]);
      await page.stop(QUESTION);
      await page.isAnswered(QUESTION);
      expect(await findAccessibilityFaults(page.page)).toEqual([]);
      const overflow = () => document.documentElement.scrollWidth - innerWidth;
      expect(await page.page.evaluate(overflow)).toBeLessThanOrEqual(0);
      await context.close();
    });
  });

  describeWithEngine("redis", "with Redis", (path) => {
    let engine: Engine;
    let servers: AssistantServers;

    beforeEach(async () => {
      engine = await Engine.redis(path);
      servers = await AssistantServers.start(engine);
    });

    afterEach(async () => {
      await servers.stop();
      await engine[Symbol.asyncDispose]();
    });

    it("continues the answer on another server when the server of the page is killed", async () => {
      const page = await AssistantPage.open(await browser.newContext(), servers.urls[0]);
      await page.page.getByText("when the server of this page is killed").waitFor();
      await page.ask(QUESTION);
      await servers.killServer(await page.server());
      await page.page.getByText(`Connected to ${servers.urls[1]}`).waitFor();
      await page.isAnswered(QUESTION);
      expect(await page.answer(QUESTION)).toBe(await page.expectedAnswer(QUESTION));
      await page.page.context().close();
    });

    it("continues the answer when the worker is killed, without a doubled token", async () => {
      const page = await AssistantPage.open(await browser.newContext(), servers.urls[0]);
      await page.ask(QUESTION);
      await servers.replaceWorker();
      await page.isAnswered(QUESTION);
      expect(await page.answer(QUESTION)).toBe(await page.expectedAnswer(QUESTION));
      await page.page.context().close();
    });
  });
});
