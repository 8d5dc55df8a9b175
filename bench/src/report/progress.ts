const BAR_CELLS = 24;

/** The width for terminals that report zero columns. */
const FALLBACK_COLUMNS = 100;

/** A progress bar on standard error, if that is a terminal. */
export class Progress {
  readonly #steps: number;
  readonly #startedAt = performance.now();
  #done = 0;

  constructor(steps: number) {
    this.#steps = steps;
  }

  /** Starts the next step. */
  step(text: string): void {
    this.#show(`${this.#bar()} ${text}${this.#timeLeft()}`);
    this.#done++;
  }

  /** Removes the bar, so that other output can follow. */
  clear(): void {
    this.#show("");
  }

  #bar(): string {
    const filled = Math.round((this.#done / this.#steps) * BAR_CELLS);
    return `[${"#".repeat(filled)}${"-".repeat(BAR_CELLS - filled)}]`;
  }

  #timeLeft(): string {
    if (this.#done < 3) return "";
    const elapsedMs = performance.now() - this.#startedAt;
    const seconds = ((elapsedMs / this.#done) * (this.#steps - this.#done)) / 1000;
    return seconds < 90
      ? `, ${Math.ceil(seconds)} s left`
      : `, ${Math.ceil(seconds / 60)} min left`;
  }

  #show(text: string): void {
    const { stderr } = process;
    if (stderr.isTTY)
      stderr.write(`\r\u001B[K${text.slice(0, (stderr.columns || FALLBACK_COLUMNS) - 1)}`);
  }
}
