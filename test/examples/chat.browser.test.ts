import type { Browser, BrowserContextOptions } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { describeInBrowser, launchBrowser } from "../support/browser.ts";
import { ChatPage } from "./chat-page.ts";
import { startChat } from "./chat-process.ts";
import type { ExampleProcess } from "./example-process.ts";

const PHONE: BrowserContextOptions = {
  viewport: { width: 360, height: 740 },
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
};

describeInBrowser("the chat in a browser", () => {
  let browser: Browser;
  let server: ExampleProcess;
  const pages: ChatPage[] = [];

  beforeAll(async () => {
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser.close();
  });

  beforeEach(async () => {
    server = await startChat();
  });

  afterEach(async () => {
    const errors = pages.flatMap((page) => page.errors);
    await Promise.all(pages.splice(0).map((page) => page.close()));
    await server.kill("SIGKILL");
    if (errors.length > 0) throw new Error(`errors in the page:\n${errors.join("\n")}`);
  });

  async function join(name: string, options?: BrowserContextOptions): Promise<ChatPage> {
    const page = await ChatPage.join(browser, server.url, name, options);
    pages.push(page);
    return page;
  }

  async function open(options?: BrowserContextOptions): Promise<ChatPage> {
    const page = await ChatPage.open(browser, server.url, options);
    pages.push(page);
    return page;
  }

  /** Kills the server without a shutdown, and restarts it on the same port. */
  async function restart(): Promise<void> {
    await server.kill("SIGKILL");
    server = await startChat({ PORT: server.port });
  }

  it("shows who said what and when to two users", async () => {
    const [ana, bo] = [await join("Ana"), await join("Bo")];
    await ana.sees("\u2068Bo\u2069 joined");
    await ana.seesPeople("Ana", "Bo");
    await bo.seesPeople("Ana", "Bo");

    await ana.say("Hello Bo");
    await bo.sees("Hello Bo");
    await bo.say("Hello Ana");
    await ana.sees("Hello Ana");
    for (const page of [ana, bo]) expect(await page.messages()).toEqual(["Hello Bo", "Hello Ana"]);

    const own = ana.page.locator("#messages .own");
    expect(await own.locator(".bubble").allInnerTexts()).toEqual(["Hello Bo"]);
    const other = ana.page.locator("#messages .message:not(.own)");
    expect(await other.locator(".author").allInnerTexts()).toEqual(["Bo"]);
    const time = await other.locator("time").getAttribute("datetime");
    expect(Math.abs(Date.parse(time ?? "") - Date.now())).toBeLessThan(60_000);
    const self = ana.page.locator("#people-list li").filter({ hasText: "you" });
    expect(await self.locator(".person").allInnerTexts()).toEqual(["Ana"]);

    await bo.close();
    await ana.sees("\u2068Bo\u2069 left");
    await ana.seesPeople("Ana");
  });

  it("explains that a name is in use, and allows a change", async () => {
    const [first, second] = [await join("Ana"), await join("Ana")];
    await second.sees("The name \u2068Ana\u2069 is taken, so you are \u2068Ana1\u2069");
    await first.seesPeople("Ana", "Ana1");

    await second.page.getByRole("button", { name: "Change my name" }).click();
    await second.page.getByLabel("New name").fill("Anna");
    await second.page.getByRole("button", { name: "Change it" }).click();
    await first.sees("\u2068Ana1\u2069 is now \u2068Anna\u2069");
    await first.seesPeople("Ana", "Anna");
    await second.say("better");
    await first.sees("better");
    expect(await first.page.locator("#messages .author").allInnerTexts()).toEqual(["Anna"]);
  });

  it("shows hostile text and hostile names as text", async () => {
    const name = "<img src=x onerror=alert(1)>";
    const [ana, eve] = [await join("Ana"), await join(name)];
    const texts = [
      "<script>alert(1)</script><b>bold</b>",
      "<img src=x onerror=alert(1)>",
      "javascript:alert(1)",
      "&lt;i&gt; \u202e txt.exe",
      "{{constructor.constructor('alert(1)')()}}",
    ];
    for (const text of texts) await eve.say(text);
    await ana.sees("constructor.constructor");
    expect(await ana.messages()).toEqual(texts);
    await ana.seesPeople("Ana", name);
    const made = ana.page.locator("#messages :is(script, b, img, i, a), #people-list img");
    expect(await made.count()).toBe(0);
  });

  it("can be used with only the keyboard", async () => {
    const bo = await join("Bo");
    const { page } = await open();
    await page.keyboard.type("Ana");
    await page.keyboard.press("Enter");
    await bo.seesPeople("Ana", "Bo");

    await page.keyboard.type("one line");
    await page.keyboard.press("Shift+Enter");
    await page.keyboard.type("and another");
    await page.keyboard.press("Enter");
    await bo.sees("and another");
    expect(await bo.messages()).toEqual(["one line\nand another"]);

    for (let count = 0; count < 10; count++) {
      await page.keyboard.press("Tab");
      const label = await page.evaluate(() => document.activeElement?.textContent);
      if (label === "Change my name") break;
    }
    await page.keyboard.press("Enter");
    await page.keyboard.type("Cy");
    await page.keyboard.press("Enter");
    await bo.seesPeople("Bo", "Cy");
    await page.keyboard.type("the focus is where I write");
    await page.keyboard.press("Enter");
    await bo.sees("the focus is where I write");
  });

  it("shows that the server is unavailable, reconnects, and sends what was typed once", async () => {
    const [ana, bo] = [await join("Ana"), await join("Bo")];
    await ana.say("before");
    await bo.sees("before");

    await server.kill("SIGKILL");
    await Promise.all([ana.isState("waiting"), bo.isState("waiting")]);
    await ana.page.getByText("The connection was lost").first().waitFor();
    await ana.page
      .getByText(/Reconnecting( in \d+ s)?/)
      .first()
      .waitFor();
    await ana.say("typed offline");
    await ana.say("and this");
    await bo.say("me too");
    expect(await ana.pending()).toEqual(["typed offline", "and this"]);
    await ana.page.getByText("Will be sent when you are online").first().waitFor();

    server = await startChat({ PORT: server.port });
    await Promise.all([ana.isState("online"), bo.isState("online")]);
    await ana.page.getByText("You are back online").first().waitFor();
    await ana.sees("Back online after");
    await Promise.all([ana.seesPeople("Ana", "Bo"), bo.seesPeople("Ana", "Bo")]);
    await ana.say("after");
    await bo.sees("after");
    await bo.say("the last");
    await ana.sees("the last");

    // A later visitor sees earlier messages, and no user sees a message twice.
    for (const page of [ana, bo]) expect(await page.pending()).toEqual([]);
    const messages = await ana.messages();
    expect(await bo.messages()).toEqual(messages);
    expect(messages.filter((text) => text !== "me too")).toEqual([
      "before",
      "typed offline",
      "and this",
      "after",
      "the last",
    ]);
    expect(messages.filter((text) => text === "me too")).toHaveLength(1);
    // This broker was in the memory of the server.
    await ana.sees("Some messages from that time may be missing here");
  });

  it("shows on a first visit that the server is unavailable, and does not mention missed messages", async () => {
    const page = await open();
    await server.kill("SIGKILL");
    await page.page.getByLabel("Your name", { exact: true }).fill("Ana");
    await page.page.getByRole("button", { name: "Join the chat" }).click();
    await page.page.getByText("The server cannot be reached").first().waitFor();
    server = await startChat({ PORT: server.port });
    await page.sees("You are in the chat as");
    expect(await page.page.getByText("Back online").count()).toBe(0);
    expect(await page.page.getByText("back online").isVisible()).toBe(false);
    expect(await page.page.getByText("may be missing").count()).toBe(0);
  });

  it("turns web addresses in messages into links that open outside the chat", async () => {
    const [ana, bo] = [await join("Ana"), await join("Bo")];
    await ana.say("look (http://127.0.0.1:9/page?x=1), or javascript:alert(1)");
    await bo.sees("look (");
    const link = bo.page.locator("#messages .bubble a");
    expect(await link.count()).toBe(1);
    expect(await link.getAttribute("href")).toBe("http://127.0.0.1:9/page?x=1");
    expect(await link.getAttribute("rel")).toContain("noopener");
    const opened = bo.page.context().waitForEvent("page");
    await link.click();
    const other = await opened;
    expect(await bo.page.title()).toContain("Tideway chat");
    await other.close();
  });

  it("resends, once, a message that a crashed server did not deliver", async () => {
    const ana = await join("Ana");
    server.pause();
    await ana.say("sent into the void");
    expect(await ana.pending()).toEqual(["sent into the void"]);
    await restart();
    await ana.sees("sent into the void");
    await ana.say("and on");
    await ana.sees("and on");
    expect(await ana.messages()).toEqual(["sent into the void", "and on"]);
    expect(await ana.pending()).toEqual([]);
  });

  it("shows that the server is restarting when it closes with that reason", async () => {
    const ana = await join("Ana");
    await server.kill("SIGTERM");
    await ana.page.getByText("The server is restarting").first().waitFor();
    expect(await ana.page.locator("#banner").isVisible()).toBe(true);
    server = await startChat({ PORT: server.port });
    await ana.isState("online");
    await ana.seesPeople("Ana");
  });

  it("keeps the scroll position of a reader, and shows the number of new messages", async () => {
    const [ana, bo] = [await join("Ana"), await join("Bo")];
    for (let count = 0; count < 30; count++) await bo.say(`message ${count}`);
    await ana.sees("message 29");
    const position = () => ana.page.locator("#scroller").evaluate((element) => element.scrollTop);
    const end = await position();
    expect(end).toBeGreaterThan(0);

    await ana.page.locator("#scroller").focus();
    await ana.page.keyboard.press("Home");
    await ana.page.waitForFunction(() => document.querySelector("#scroller")?.scrollTop === 0);
    await bo.say("news");
    await bo.say("more news");
    const hint = ana.page.getByRole("button", { name: "2 new messages" });
    await hint.waitFor();
    expect(await position()).toBe(0);

    await hint.click();
    expect(await position()).toBeGreaterThan(end);
    await hint.waitFor({ state: "hidden" });
  });

  it("stays in the chat after a reload, and suggests the name on the next visit", async () => {
    const [ana, bo] = [await join("Ana"), await join("Bo")];
    await ana.page.reload();
    await ana.sees("You are in the chat as \u2068Ana\u2069");
    await bo.seesPeople("Ana", "Bo");

    const later = await ana.page.context().newPage();
    await later.goto(server.url);
    expect(await later.getByLabel("Your name", { exact: true }).inputValue()).toBe("Ana");
  });

  it("requires a name to join", async () => {
    const { page } = await open();
    await page.getByLabel("Your name", { exact: true }).fill("   ");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").filter({ hasText: "Type a name" }).waitFor();
    expect(await page.locator("#chat").isVisible()).toBe(false);
  });

  it("fits a phone, with the users in a drawer", async () => {
    const ana = await join("Ana", PHONE);
    await ana.say(`${"a".repeat(400)} ${"b".repeat(400)}`);
    await ana.sees("bbb");
    const overflow = await ana.page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow).toBe(0);

    const people = ana.page.getByRole("complementary", { name: "People" });
    expect(await people.isVisible()).toBe(false);
    await ana.page.getByRole("button", { name: "1 person here" }).click();
    expect(await people.isVisible()).toBe(true);
    await ana.page.keyboard.press("Escape");
    expect(await people.isVisible()).toBe(false);
  });

  it("stores screenshots in test-artefacts", async () => {
    const welcome = await open();
    await welcome.screenshot("chat-welcome-light");
    const light = await join("Ana");
    const phone = await join("Bo", PHONE);
    const dark = await join("Ana", { colorScheme: "dark" });
    await dark.seesPeople("Ana", "Ana1", "Bo");

    await light.say("Morning! The tide tables for the week are in the shared folder.");
    await light.say("High water is at 9:40 today.");
    await light.sees("9:40");
    await phone.say("Does that give us enough time to get back before the wind turns?");
    await light.sees("the wind turns");
    await dark.say(
      "It does if we leave by eight. I would rather not repeat last Thursday, when we sat on the sandbank for the better part of three hours.",
    );
    await light.sees("sandbank");
    await light.say("<b>Eight</b> then.\nI bring the coffee, somebody else the rope.");
    for (const page of [light, phone, dark]) await page.sees("the rope");
    await light.screenshot("chat-light");
    await phone.screenshot("chat-phone");
    await dark.screenshot("chat-dark");

    await server.kill("SIGKILL");
    await Promise.all([light, phone, dark].map((page) => page.isState("waiting")));
    for (const page of [light, phone, dark]) await page.say("Is anybody still there?");
    await light.screenshot("chat-lost-light");
    await phone.screenshot("chat-lost-phone");
    await dark.screenshot("chat-lost-dark");
    expect(await light.pending()).toEqual(["Is anybody still there?"]);
  });
});
