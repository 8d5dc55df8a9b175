/** The tests of the browser entry in Firefox. They share one Firefox, because its start takes seconds. */
import { afterAll, beforeAll, describe } from "vitest";
import { testChannelClient } from "../channels/client/page-tests.ts";
import { CASES, LARGEST } from "../interop/messages.ts";
import { testNativeClient } from "../interop/page-tests.ts";
import { describeInFirefox, openFirefox } from "../support/browser.ts";
import type { TestBrowser } from "../support/pages.ts";
import { testClient } from "./client-tests.ts";

describeInFirefox("in Firefox", () => {
  let browser: TestBrowser;
  const browserOf = (): TestBrowser => browser;

  beforeAll(async () => {
    browser = await openFirefox();
  });

  afterAll(() => browser.close());

  describe("the client in a page", () => {
    testClient(browserOf, false);
  });
  describe("a client of channels in a page", () => {
    testChannelClient(browserOf);
  });
  describe("our server with the WebSocket of the browser", () => {
    testNativeClient(
      browserOf,
      CASES.filter(([, , length]) => length < LARGEST),
    );
  });
});
