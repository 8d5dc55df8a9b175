// The settings of the servers with Redis, from the environment.

export const REDIS_URL: string = process.env["REDIS_URL"] ?? "redis://localhost:6379";

/** The servers that a page may connect to. */
export const SERVERS: readonly string[] = (
  process.env["SERVERS"] ?? "http://localhost:8081,http://localhost:8082"
).split(",");

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Calls `stop` at the first SIGINT or SIGTERM. A second signal ends the process at once. */
export function onSignal(stop: () => unknown): void {
  const listener = (): void => {
    for (const signal of SIGNALS) process.off(signal, listener);
    void stop();
  };
  for (const signal of SIGNALS) process.on(signal, listener);
}
