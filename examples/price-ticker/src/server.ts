// One of the servers: node dist/server.js, with PORT.
import { files, serve, type Socket } from "tideway/server";
import { BrokerError } from "tideway/topics";
import { latestStart, openPrices } from "./prices.ts";
import { onSignal, REDIS_URL, run, SERVERS } from "./settings.ts";

const PAGE = new URL("../page/", import.meta.url);

/** The library, to which the page's import map leads. */
const TIDEWAY = new URL("../", import.meta.resolve("tideway/protocol"));

/** Try again later (RFC 6455, registered with IANA). A `ReconnectingWebSocket` does. */
const TRY_AGAIN_LATER = 1013;

await run(async () => {
  const { topic, close } = await openPrices(REDIS_URL);

  async function handle(socket: Socket, { request }: { request: Request }): Promise<void> {
    const since = new URL(request.url).searchParams.get("since") || undefined;
    try {
      await topic.subscribe(socket, { since: since ?? (await latestStart(topic)) });
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      socket.close(TRY_AGAIN_LATER, "Redis does not answer");
    }
    // Pages send nothing. Reading detects when they disconnect.
    socket.listen(() => {});
  }

  const server = await serve({
    port: Number(process.env["PORT"] ?? 8081),
    routes: {
      // If a server is down, the pages that it has served connect to the other server.
      "ws:/prices": { origins: SERVERS, maxMessageBytes: 1_024, handle },
      "get:/servers": () => Response.json(SERVERS),
      "/tideway/*": files(TIDEWAY),
      "/*": files(PAGE),
    },
  });
  onSignal(async () => {
    await server.stop({ drain: {} });
    await close();
  });
  console.log(`Prices are at http://localhost:${server.port}/ (process ${process.pid})`);
});
