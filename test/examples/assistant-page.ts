import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import { generate } from "../../examples/assistant/src/generate.ts";

/** A tab with the page of the assistant. */
export class AssistantPage {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  static async open(opener: Browser | BrowserContext, url: string): Promise<AssistantPage> {
    const page = new AssistantPage(await opener.newPage());
    await page.page.goto(`${url}/assistant/`);
    await page.page.getByText("Connected to").waitFor();
    return page;
  }

  /** Opens the same conversation in another tab. */
  async openSecondTab(): Promise<AssistantPage> {
    return AssistantPage.open(this.page.context(), new URL(this.page.url()).origin);
  }

  /** Asks, and waits for the first tokens of the answer. */
  async ask(question: string): Promise<void> {
    await this.page.getByLabel("Your question").fill(question);
    await this.page.getByRole("button", { name: "Ask" }).click();
    await this.hasTokens(question, 3);
  }

  /** Waits until the answer has this many tokens. */
  async hasTokens(question: string, count: number): Promise<void> {
    const answer = await this.answerTo(question).elementHandle();
    await this.page.waitForFunction(
      ([element, tokens]) => element.textContent.split(" ").length > tokens,
      [answer, count] as const,
    );
  }

  /** Waits until the answer is complete. */
  async isAnswered(question: string): Promise<void> {
    await this.#entry(question).locator('.answer[aria-busy="false"]').waitFor();
  }

  answerTo(question: string): Locator {
    return this.#entry(question).locator(".answer");
  }

  note(question: string): Locator {
    return this.#entry(question).locator(".note");
  }

  /** The answer that the worker generates. */
  async expectedAnswer(question: string): Promise<string> {
    const id = await this.#entry(question).getAttribute("data-id");
    return generate(id!, question).join("");
  }

  /** The text of the answer, with the spaces between tokens. */
  async answer(question: string): Promise<string> {
    return (await this.answerTo(question).textContent()) ?? "";
  }

  async stop(question: string): Promise<void> {
    await this.#entry(question).getByRole("button", { name: "Stop" }).click();
  }

  /** The URL of the server that the page is connected to. */
  async server(): Promise<string> {
    const text = await this.page.locator("#status").innerText();
    return /http:\S+/.exec(text)![0];
  }

  #entry(question: string): Locator {
    return this.page.locator("#log li", { hasText: question });
  }
}
