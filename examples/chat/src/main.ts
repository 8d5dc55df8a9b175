import { contentTypeRoutes } from "@tideway/example-content-type";
import { serve, type Server } from "tideway/server";
import { Chat } from "./chat.ts";
import { chatRoute } from "./chat-route.ts";
import { openBroker, type SharedBroker } from "./open-broker.ts";
import { type OtherExamples, openOtherExamples } from "./other-examples.ts";
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
    const examples = openOtherExamples(shared.broker, () => server.url);
    const server = await listen(settings, chat, examples).catch(async (error: unknown) => {
      await shared.close();
      throw error;
    });
    const stop = (): void => {
      // A second signal ends the process at once, as without this handler.
      for (const signal of SIGNALS) process.off(signal, stop);
      void leave(server, chat, examples, shared);
    };
    for (const signal of SIGNALS) process.on(signal, stop);
    console.log(`The chat is at ${server.url}/`);
    console.log(`More examples: ${server.url}/whiteboard/ and ${server.url}/assistant/`);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

/** Stops the server first, then the examples, which still need the broker, and the broker last. */
async function leave(
  server: Server,
  chat: Chat,
  examples: OtherExamples,
  shared: SharedBroker,
): Promise<void> {
  await server.stop({ drain: { deadlineMs: STOP_DEADLINE_MS } });
  await Promise.all([chat[Symbol.asyncDispose](), examples.close()]);
  await shared.close();
}

async function listen(settings: Settings, chat: Chat, examples: OtherExamples): Promise<Server> {
  try {
    return await serve({
      ...settings,
      routes: {
        "ws:/chat": chatRoute(chat),
        ...contentTypeRoutes,
        ...examples.routes,
        ...(await pageRoutes()),
      },
    });
  } catch (error) {
    const explanation = explainListenError(error, settings);
    throw explanation === undefined ? error : new SettingsError(explanation, { cause: error });
  }
}
