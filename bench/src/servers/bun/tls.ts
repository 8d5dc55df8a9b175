/** Echoes over TLS. */
import { ready } from "../../subject.ts";
import { certificate } from "../certificate.ts";
import { serve } from "./bun.ts";

const server = serve(
  {
    message(socket, message) {
      socket.send(message);
    },
  },
  { tls: certificate() },
);
ready(server.port);
