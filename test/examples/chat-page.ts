import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";

const ARTEFACTS = fileURLToPath(new URL("../../test-artefacts/", import.meta.url));

/** The page of the chat in the terms of a user. */
export class ChatPage {
  readonly page: Page;
  /** The errors in the page: errors of scripts, and violations of the content security policy. */
  readonly errors: string[] = [];

  constructor(page: Page) {
    this.page = page;
    // A wait names what is missing before the test times out.
    page.setDefaultTimeout(12_000);
    page.on("pageerror", (error) => this.errors.push(error.message));
    page.on("dialog", (dialog) => this.errors.push(`dialog: ${dialog.message()}`));
    page.on("console", (message) => {
      // The console also reports an unavailable server, which is not an error of the page.
      const isExpected = /WebSocket connection to .* failed/.test(message.text());
      if (message.type() === "error" && !isExpected) this.errors.push(message.text());
    });
  }

  /** Opens the chat in a separate browser context. */
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

  /** Opens the chat and joins. */
  static async join(
    browser: Browser,
    url: string,
    name: string,
    options: BrowserContextOptions = {},
  ): Promise<ChatPage> {
    const chat = await ChatPage.open(browser, url, options);
    await chat.page.getByLabel("Your name", { exact: true }).fill(name);
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

  /** Waits until the conversation has a line with this text. */
  async sees(text: string): Promise<void> {
    await this.page.locator("#messages > li").filter({ hasText: text }).first().waitFor();
  }

  /** Waits until the bar shows this state of the connection. */
  async isState(state: "connecting" | "online" | "waiting"): Promise<void> {
    await this.page.locator(`.status[data-state=${state}]`).waitFor();
  }

  /** The texts of all acknowledged messages, in order. */
  messages(): Promise<string[]> {
    return this.page.locator("#messages .bubble").allInnerTexts();
  }

  /** The messages that are not acknowledged yet. */
  pending(): Promise<string[]> {
    return this.page.locator("#pending .bubble").allInnerTexts();
  }

  /** Waits until the list has these users, in any order. */
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

  /** Stores a screenshot of the page. */
  async screenshot(name: string): Promise<void> {
    await mkdir(ARTEFACTS, { recursive: true });
    await this.page.screenshot({ path: `${ARTEFACTS}${name}.png` });
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}
