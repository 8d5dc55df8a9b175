/** Channels with one call and the topics `news/:number`. Publishes the messages that arrive at `/publish`. */
import { defineContract } from "tideway/channels";
import { channels } from "tideway/channels/server";
import { serve, type StandardSchema } from "tideway/server";
import { Topics } from "tideway/topics";
import { ready } from "../../subject.ts";

interface Numbers {
  readonly a: number;
  readonly b: number;
}

const contract = defineContract({
  topics: { "news/:number": { message: anything<string>() } },
  calls: { "math/add": { input: anything<Numbers>(), output: anything<{ sum: number }>() } },
});

const api = channels(contract, {
  topics: new Topics(),
  authorize: () => ({ state: {} }),
  rules: { "news/:number": { subscribe: true } },
  calls: { "math/add": ({ a, b }) => ({ sum: a + b }) },
});

const server = await serve({
  port: 0,
  host: "127.0.0.1",
  routes: {
    "ws:/": api.route(),
    "ws:/publish": (socket) => {
      const news = api.topic("news/:number", { number: "0" });
      socket.listen((message) => {
        if (typeof message === "string") void news.publish(JSON.parse(message) as string);
      });
    },
  },
});
ready(server.port);

/** Validates nothing, as the programs of the other libraries do. */
function anything<T>(): StandardSchema<T> {
  return {
    "~standard": { version: 1, vendor: "bench", validate: (value) => ({ value: value as T }) },
  };
}
