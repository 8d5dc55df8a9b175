/** This near to the end, in CSS pixels, the reader is taken to be following the conversation. */
const NEAR_PX = 48;

/**
 * Keeps the end of a scrolling element in view while the reader follows it, and leaves the reader
 * alone who has scrolled back.
 */
export class ScrollKeeper {
  readonly #scroller: HTMLElement;
  readonly #onFollow: () => void;
  #isFollowing = true;

  /** @param onFollow Called when the reader has come back to the end. */
  constructor(scroller: HTMLElement, onFollow: () => void) {
    this.#scroller = scroller;
    this.#onFollow = onFollow;
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    // The keyboard of a phone, a turned screen, a taller composer: the end stays where it was.
    const observer = new ResizeObserver(() => this.contentChanged());
    observer.observe(scroller);
  }

  /** Whether the end is, and will be kept, in view. */
  get isFollowing(): boolean {
    return this.#isFollowing;
  }

  /** To be called after something was added. */
  contentChanged(): void {
    if (this.#isFollowing) this.toEnd();
  }

  /** Goes to the end and follows from there. */
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
