/** Echoes over TLS. */
import { serve } from "tideway/server";
import { certificate } from "../certificate.ts";
import { ready } from "../../subject.ts";

const server = await serve({
  port: 0,
  host: "127.0.0.1",
  tls: certificate(),
  routes: {
    "ws:/": (socket) => {
      socket.listen((message) => {
        socket.send(message);
      });
    },
  },
});
ready(server.port);
