import { Session } from "node:inspector/promises";

/**
 * Counts how often blocks of code in `src/` are entered: a measure of time that is the same on every
 * machine and under any load. What the engine does by itself, such as to match a regular expression,
 * is not in it. It has to be started before the code in question runs for the first time: what has
 * been compiled without counters has none.
 */
export class StepCounter {
  readonly #session = new Session();

  async start(): Promise<void> {
    this.#session.connect();
    await this.#session.post("Profiler.enable");
    await this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  stop(): void {
    this.#session.disconnect();
  }

  /** The steps that `run` takes. */
  async count(run: () => void): Promise<number> {
    await this.#session.post("Profiler.takePreciseCoverage");
    run();
    const { result } = await this.#session.post("Profiler.takePreciseCoverage");
    return result
      .filter(({ url }) => /\/src\/[a-z]+\//.test(url))
      .flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges))
      .reduce((steps, { count }) => steps + count, 0);
  }
}
