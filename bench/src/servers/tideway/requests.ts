/** Answers HTTP requests with a route. */
import { serve } from "tideway/server";
import { ready } from "../../subject.ts";

const server = await serve({
  port: 0,
  host: "127.0.0.1",
  routes: { "/hello": () => new Response("hello") },
});
ready(server.port);
