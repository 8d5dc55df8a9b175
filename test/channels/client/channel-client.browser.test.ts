import { afterAll, beforeAll } from "vitest";
import { describeInBrowser, openChromium } from "../../support/browser.ts";
import type { TestBrowser } from "../../support/pages.ts";
import { testChannelClient } from "./page-tests.ts";

describeInBrowser("a client of channels in a page of Chromium", () => {
  let browser: TestBrowser;

  beforeAll(async () => {
    browser = await openChromium();
  });

  afterAll(() => browser.close());

  testChannelClient(() => browser);
});
