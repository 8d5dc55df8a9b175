/** Echoes with the server of Deno. */
import { ready } from "../../subject.ts";
import { serve } from "./deno.ts";

const port = serve((socket) => {
  socket.onmessage = ({ data }) => socket.send(data as string | ArrayBuffer);
});
ready(port);
