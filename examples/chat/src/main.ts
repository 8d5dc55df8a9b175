import { contentTypeRoutes } from "@tideway/example-content-type";
import { serve, type Server } from "tideway/server";
import { chatRoute } from "./chat-route.ts";
import { pageRoutes } from "./page-routes.ts";
import { explainListenError, readSettings, type Settings, SettingsError } from "./settings.ts";

/** How long clients may take to say goodbye; whoever stops a server in a terminal is waiting. */
const STOP_TIMEOUT_MS = 2_000;

await start();

async function start(): Promise<void> {
  try {
    const settings = readSettings(process.env);
    const server = await listen(settings);
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      // Once: a second signal ends the process at once, as it would without us.
      process.once(signal, () => void server.stop({ timeoutMs: STOP_TIMEOUT_MS }));
    }
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
