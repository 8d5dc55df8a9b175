import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeInBrowser, launchBrowser } from "../support/browser.ts";
import { fromPlaywright } from "../support/pages.ts";
import { serveEcho } from "./echo-server.ts";
import { CASES } from "./messages.ts";
import { testNativeClient } from "./page-tests.ts";

describeInBrowser("our server with the WebSocket of Chromium", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchBrowser();
  });

  afterAll(() => browser.close());

  testNativeClient(() => fromPlaywright(browser), CASES);

  it("refuses a page of another origin with 403, which the page sees as a failure", async () => {
    await using server = await serveEcho();
    const foreign = await browser.newPage();
    // Another name of the same machine is another origin.
    await foreign.goto(`http://localhost:${server.port}/`);
    const answered = foreign.waitForEvent("websocket");
    const close = await foreign.evaluate(async (port) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/echo`);
      const { code, wasClean } = await new Promise<CloseEvent>((resolve) => {
        socket.onclose = resolve;
      });
      return { code, wasClean };
    }, server.port);
    expect(close).toEqual({ code: 1006, wasClean: false });
    await answered;
    await foreign.close();
  });
});
