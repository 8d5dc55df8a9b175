import { serve } from "tideway/server";
import { contentTypeRoutes } from "./routes.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

const server = await serve({
  port: Number(process.env["PORT"] ?? 8080),
  routes: {
    "/": contentTypeRoutes["/contentType"],
    ...contentTypeRoutes,
  },
});
const stop = (): void => {
  // A second signal ends the process at once, as without this handler.
  for (const signal of SIGNALS) process.off(signal, stop);
  void server.stop({ drain: {} });
};
for (const signal of SIGNALS) process.on(signal, stop);
console.log(`The content types are at ${server.url}/`);
