import { type Ended, ExampleProcess, runToEnd } from "./example-process.ts";

const MAIN = "chat/dist/main.js";

type Environment = Readonly<Record<string, string>>;

/** Starts the chat's server as `npm start` does, and waits until it listens. */
export function startChat(
  environment: Environment = { PORT: "0" },
  args: readonly string[] = [],
): Promise<ExampleProcess> {
  return ExampleProcess.start(MAIN, { environment, args });
}

/** Runs the chat's server with an environment in which it must exit. */
export function runChatToEnd(
  environment: Environment,
  args: readonly string[] = [],
): Promise<Ended> {
  return runToEnd(MAIN, { environment, args });
}
