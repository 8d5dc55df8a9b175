import { contentTypeRoutes } from "@tideway/example-content-type";
import { serve, type Server } from "tideway/server";
import { Chat } from "./chat.ts";
import { chatRoute } from "./chat-route.ts";
import { openBroker, type SharedBroker } from "./open-broker.ts";
import { pageRoutes } from "./page-routes.ts";
import { explainListenError, readSettings, type Settings, SettingsError } from "./settings.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** The maximum time of a shutdown. It is short for a developer who stops the server in a terminal. */
const STOP_DEADLINE_MS = 2_000;

await start();

async function start(): Promise<void> {
  try {
    const { broker, ...settings } = readSettings(process.env, process.argv.slice(2));
    const shared = await openBroker(broker);
    const chat = new Chat(shared.broker);
    const server = await listen(settings, chat).catch(async (error: unknown) => {
      await shared.close();
      throw error;
    });
    const stop = (): void => {
      // A second signal ends the process at once, as without this handler.
      for (const signal of SIGNALS) process.off(signal, stop);
      void leave(server, chat, shared);
    };
    for (const signal of SIGNALS) process.on(signal, stop);
    console.log(`The chat is at ${server.url}/`);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

/** Stops the server first, then the chat, which still needs the broker, and the broker last. */
async function leave(server: Server, chat: Chat, shared: SharedBroker): Promise<void> {
  await server.stop({ drain: { deadlineMs: STOP_DEADLINE_MS } });
  await chat[Symbol.asyncDispose]();
  await shared.close();
}

async function listen(settings: Settings, chat: Chat): Promise<Server> {
  try {
    return await serve({
      ...settings,
      routes: {
        "ws:/chat": chatRoute(chat),
        ...contentTypeRoutes,
        ...(await pageRoutes()),
      },
    });
  } catch (error) {
    const explanation = explainListenError(error, settings);
    throw explanation === undefined ? error : new SettingsError(explanation, { cause: error });
  }
}
