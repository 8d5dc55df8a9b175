import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";

const ARTEFACTS = fileURLToPath(new URL("../../test-artefacts/", import.meta.url));

/** The page of the chat, in the words of somebody who uses it. */
export class ChatPage {
  readonly page: Page;
  /** What went wrong in the page: errors of scripts, and what the content security policy stopped. */
  readonly errors: string[] = [];

  constructor(page: Page) {
    this.page = page;
    // What is waited for and does not come is named, well before the test itself runs out of time.
    page.setDefaultTimeout(12_000);
    page.on("pageerror", (error) => this.errors.push(error.message));
    page.on("dialog", (dialog) => this.errors.push(`dialog: ${dialog.message()}`));
    page.on("console", (message) => {
      // That the server is away is said on the console too, and is no error of the page.
      const isExpected = /WebSocket connection to .* failed/.test(message.text());
      if (message.type() === "error" && !isExpected) this.errors.push(message.text());
    });
  }

  /** Opens the chat in a window of its own, which shares nothing with others. */
  static async open(
    browser: Browser,
    url: string,
    options: BrowserContextOptions = {},
  ): Promise<ChatPage> {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      ...options,
    });
    const chat = new ChatPage(await context.newPage());
    await chat.page.goto(url);
    return chat;
  }

  /** Opens the chat and comes in. */
  static async join(
    browser: Browser,
    url: string,
    name: string,
    options: BrowserContextOptions = {},
  ): Promise<ChatPage> {
    const chat = await ChatPage.open(browser, url, options);
    await chat.page.getByLabel("Your name").fill(name);
    await chat.page.getByRole("button", { name: "Join the chat" }).click();
    await chat.sees("You are in the chat as");
    return chat;
  }

  get composer(): Locator {
    return this.page.getByRole("textbox", { name: "Message" });
  }

  async say(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.composer.press("Enter");
  }

  /** Waits until there is a line with this text in the conversation. */
  async sees(text: string): Promise<void> {
    await this.page.locator("#messages > li").filter({ hasText: text }).first().waitFor();
  }

  /** Waits until the bar says so about the connection. */
  async isState(state: "connecting" | "online" | "waiting"): Promise<void> {
    await this.page.locator(`.status[data-state=${state}]`).waitFor();
  }

  /** The texts of all messages that were passed on, in order. */
  messages(): Promise<string[]> {
    return this.page.locator("#messages .bubble").allInnerTexts();
  }

  /** What has not been passed on yet. */
  pending(): Promise<string[]> {
    return this.page.locator("#pending .bubble").allInnerTexts();
  }

  /** Waits until these are the people on the list, in any order. */
  async seesPeople(...names: readonly string[]): Promise<void> {
    await this.page.waitForFunction((wanted) => {
      const people = [...document.querySelectorAll("#people-list .person")];
      return (
        people
          .map((person) => person.textContent)
          .toSorted()
          .join() === wanted
      );
    }, names.toSorted().join());
  }

  /** Keeps a picture of the page, to be looked at. */
  async screenshot(name: string): Promise<void> {
    await mkdir(ARTEFACTS, { recursive: true });
    await this.page.screenshot({ path: `${ARTEFACTS}${name}.png` });
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}
