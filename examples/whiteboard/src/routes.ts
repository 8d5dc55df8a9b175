import { createHash } from "node:crypto";
import { channels, refuse } from "tideway/channels/server";
import { files } from "tideway/server";
import type { Topics } from "tideway/topics";
import { z } from "zod";
import { contract } from "./contract.ts";

/** The page makes them up. The key is secret, so that no other page has the same id. */
const Credentials = z.object({ key: z.string().length(36), name: z.string().min(1).max(32) });

/** The whiteboard as routes of a server. Servers with the same broker share their boards. */
export function whiteboardRoutes(topics: Topics) {
  const api = channels(contract, {
    topics,
    authorize: ({ auth }) => {
      const { success, data } = Credentials.safeParse(auth);
      if (!success) return refuse("forbidden");
      const id = createHash("sha256").update(data.key).digest("hex").slice(0, 12);
      return { state: { id, name: data.name } };
    },
    rules: {
      "boards/:board": {
        subscribe: true,
        publish: ({ draft, state }) => ({ ...draft, author: state.id }),
        enter: ({ state }) => ({ id: state.id, data: { name: state.name } }),
      },
      "cursors/:board": {
        subscribe: true,
        publish: ({ draft, state }) => ({ ...draft, author: state.id, name: state.name }),
      },
    },
    limits: { publishesPerSecond: 100 },
  });
  return {
    "ws:/whiteboard/channels": api.route({ compression: true }),
    "/whiteboard/page/*": files(new URL("page/", import.meta.url)),
    "/whiteboard/*": files(new URL("../static/", import.meta.url)),
  };
}
