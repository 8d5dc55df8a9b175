import { serve, TransportError } from "tideway/server";
import { ArgumentError, readServerArguments, SERVER_HELP } from "./arguments.ts";
import { echoRoute } from "./echo.ts";
import { printable } from "./printable.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

try {
  const settings = readServerArguments(process.argv.slice(2));
  if (settings === "help") console.log(SERVER_HELP);
  else await start(settings);
} catch (error) {
  if (!(error instanceof ArgumentError || error instanceof TransportError)) throw error;
  console.error(printable(error.message));
  process.exitCode = 1;
}

async function start({
  port,
  host,
  ...options
}: Exclude<ReturnType<typeof readServerArguments>, "help">): Promise<void> {
  const server = await serve({
    port,
    ...(host === undefined ? {} : { host }),
    routes: { "ws:/*": echoRoute(options) },
    onError: (error) => console.error(printable(String(error))),
  });
  const stop = (): void => {
    // A second signal ends the process at once, as without this handler.
    for (const signal of SIGNALS) process.off(signal, stop);
    void server.stop({ drain: {} });
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  console.log(`The echo is at ${server.url.replace("http", "ws")}/`);
}
