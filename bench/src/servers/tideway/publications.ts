/** Subscribes each socket to ten topics. Publishes the messages that arrive at `/publish` to the first. */
import { prepare, serve } from "tideway/server";
import { Topics } from "tideway/topics";
import { SUBSCRIPTIONS } from "../../load/dialects.ts";
import { ready } from "../../subject.ts";

const topics = new Topics({ prepare });
const all = Array.from({ length: SUBSCRIPTIONS }, (_, number) => topics.topic(`news/${number}`));

const server = await serve({
  port: 0,
  host: "127.0.0.1",
  routes: {
    "ws:/": async (socket) => {
      await Promise.all(all.map((topic) => topic.subscribe(socket)));
    },
    "ws:/publish": (socket) => {
      socket.listen((message) => {
        void all[0].publish(message);
      });
    },
  },
});
ready(server.port);
