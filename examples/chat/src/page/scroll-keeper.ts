/** The distance from the end, in CSS pixels, within which the reader follows the conversation. */
const NEAR_PX = 48;

/**
 * Keeps the end of a scrolling element in view while the reader follows it. Does not scroll for a reader
 * that has scrolled back.
 */
export class ScrollKeeper {
  readonly #scroller: HTMLElement;
  readonly #onFollow: () => void;
  #isFollowing = true;

  /** @param onFollow Called when the reader has scrolled to the end again. */
  constructor(scroller: HTMLElement, onFollow: () => void) {
    this.#scroller = scroller;
    this.#onFollow = onFollow;
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    // Keeps the end in view if a keyboard, a rotation or a taller composer changes the height.
    const observer = new ResizeObserver(() => this.contentChanged());
    observer.observe(scroller);
  }

  /** Whether the end is in view and stays in view. */
  get isFollowing(): boolean {
    return this.#isFollowing;
  }

  /** Must be called after an element was added. */
  contentChanged(): void {
    if (this.#isFollowing) this.toEnd();
  }

  /** Scrolls to the end and follows the conversation. */
  toEnd(): void {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#setFollowing(true);
  }

  #scrolled(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    this.#setFollowing(scrollHeight - scrollTop - clientHeight < NEAR_PX);
  }

  #setFollowing(isFollowing: boolean): void {
    const cameBack = isFollowing && !this.#isFollowing;
    this.#isFollowing = isFollowing;
    if (cameBack) this.#onFollow();
  }
}
