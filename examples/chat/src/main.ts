import { contentTypeRoutes } from "@tideway/example-content-type";
import { serve, type Server } from "tideway/server";
import { chatRoute } from "./chat-route.ts";
import { pageRoutes } from "./page-routes.ts";
import { explainListenError, readSettings, type Settings, SettingsError } from "./settings.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** How long all clients may take to leave; whoever stops a server in a terminal is waiting. */
const STOP_DEADLINE_MS = 2_000;

await start();

async function start(): Promise<void> {
  try {
    const settings = readSettings(process.env);
    const server = await listen(settings);
    const stop = (): void => {
      // A second signal ends the process at once, as it would without us.
      for (const signal of SIGNALS) process.off(signal, stop);
      void server.stop({ drain: { deadlineMs: STOP_DEADLINE_MS } });
    };
    for (const signal of SIGNALS) process.on(signal, stop);
    console.log(`The chat is at ${server.url}/`);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

async function listen(settings: Settings): Promise<Server> {
  try {
    return await serve({
      ...settings,
      routes: {
        "ws:/chat": chatRoute(),
        ...contentTypeRoutes,
        ...(await pageRoutes()),
      },
    });
  } catch (error) {
    const explanation = explainListenError(error, settings);
    throw explanation === undefined ? error : new SettingsError(explanation, { cause: error });
  }
}
