/** Publishes messages that begin with `P!`, without this prefix, to a topic with all sockets. */
import { prepare, serve } from "tideway/server";
import { dataOnly, Topics } from "tideway/topics";
import { ready } from "../../subject.ts";

const news = new Topics({ prepare, encode: dataOnly }).topic("news");

const server = await serve({
  port: 0,
  host: "127.0.0.1",
  routes: {
    "ws:/": async (socket) => {
      socket.listen((message) => {
        if (typeof message === "string" && message.startsWith("P!")) publish(message.slice(2));
      });
      await news.subscribe(socket);
    },
  },
});
ready(server.port);

function publish(text: string): void {
  void news.publish(text);
}
