import { serve } from "tideway/server";
import { contentTypeRoutes } from "./routes.ts";

const server = await serve({
  port: Number(process.env["PORT"] ?? 8080),
  routes: {
    "/": contentTypeRoutes["/contentType"],
    ...contentTypeRoutes,
  },
});
console.log(`The content types are at ${server.url}/`);
