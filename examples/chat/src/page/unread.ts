import { countMessages } from "./wording.ts";

/** Shows how many messages arrived while the reader was scrolled up or in another tab. */
export class Unread {
  readonly #button: HTMLButtonElement;
  readonly #title = document.title;
  #belowCount = 0;
  #awayCount = 0;

  constructor(button: HTMLButtonElement, onWanted: () => void) {
    this.#button = button;
    button.addEventListener("click", onWanted);
    document.addEventListener("visibilitychange", () => this.#visibilityChanged());
  }

  /** A message has arrived; `isInView` if the reader follows the conversation. */
  count(isInView: boolean): void {
    if (!isInView) this.#setBelow(this.#belowCount + 1);
    if (document.hidden) this.#setAway(this.#awayCount + 1);
  }

  /** The reader has reached the end of the conversation. */
  clear(): void {
    this.#setBelow(0);
  }

  #visibilityChanged(): void {
    if (!document.hidden) this.#setAway(0);
  }

  #setBelow(count: number): void {
    this.#belowCount = count;
    this.#button.hidden = count === 0;
    this.#button.textContent = `${countMessages(count)} \u2193`;
  }

  #setAway(count: number): void {
    this.#awayCount = count;
    document.title = count === 0 ? this.#title : `(${count}) ${this.#title}`;
  }
}
