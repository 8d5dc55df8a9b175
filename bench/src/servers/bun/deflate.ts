/** Echoes with compression. Each connection keeps its context, unless the argument is `no-takeover`. */
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
