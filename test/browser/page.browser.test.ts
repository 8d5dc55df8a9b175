import { afterAll, beforeAll } from "vitest";
import { describeInBrowser, openChromium } from "../support/browser.ts";
import type { TestBrowser } from "../support/pages.ts";
import { testClient } from "./client-tests.ts";

describeInBrowser("the client in a page of Chromium", () => {
  let browser: TestBrowser;

  beforeAll(async () => {
    browser = await openChromium();
  });

  afterAll(() => browser.close());

  testClient(() => browser, true);
});
