import { Session } from "node:inspector/promises";

/**
 * Counts how often blocks of code in `src/` are entered: a measure of time that is equal on every
 * machine and under any load. It excludes work of the engine, such as regular expressions. Start it
 * before the code runs for the first time: code that is already compiled has no counters.
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

  /** The number of steps of `run`. */
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
