/**
 * Echoes, deflated. With the argument `no-takeover` no context is kept between messages; else one
 * is kept for each connection.
 */
import { ready } from "../../subject.ts";
import { serve } from "./bun.ts";

const context = process.argv[2] === "no-takeover" ? "shared" : "dedicated";
const server = serve({
  perMessageDeflate: { compress: context, decompress: context },
  message(socket, message) {
    socket.send(message, true);
  },
});
ready(server.port);
