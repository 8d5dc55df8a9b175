import type { ClientScript } from "../script.ts";
import { error, expect, nothing, open, reconnect, run, send, value } from "./parts.ts";

const ROOM = "rooms/1";

/** Scripts for `history`. */
export const HISTORY_SCRIPTS: readonly ClientScript[] = [
  {
    name: "reads the history before a position",
    steps: [
      ...open(),
      run("h", "history", ROOM, { limit: 2, before: "e:9" }),
      expect({
        type: "history",
        id: "<id1>",
        topic: ROOM,
        limit: 2,
        before: "e:9",
        after: "<absent>",
      }),
      send({ type: "item", id: "<id1>", position: "e:7", data: "seven" }),
      { send: { type: "item", id: "<id1>", position: "e:8" }, bytes: "08" },
      send({ type: "result", id: "<id1>", position: "e:12" }),
      value("h", {
        messages: [
          { data: "seven", position: "e:7" },
          { data: { "<bytes>": "08" }, position: "e:8" },
        ],
        position: "e:12",
        reason: "<absent>",
      }),
    ],
  },
  {
    name: "tells why the history does not follow after",
    steps: [
      ...open(),
      run("h", "history", ROOM, { limit: 2, after: "old:1" }),
      expect({ type: "history", id: "<id1>", after: "old:1", before: "<absent>" }),
      send({ type: "result", id: "<id1>", position: "e:12", reason: "epoch-changed" }),
      value("h", { messages: [], position: "e:12", reason: "epoch-changed" }),
    ],
  },
  {
    name: "rejects a history with the error of the server",
    steps: [
      ...open(),
      run("h", "history", ROOM, { limit: 2 }),
      expect({ type: "history", id: "<id1>" }),
      send({ type: "error", id: "<id1>", code: "FORBIDDEN" }),
      error("h", { code: "FORBIDDEN" }),
      ...nothing(),
    ],
  },
  {
    name: "reads the whole history again after a reconnect",
    steps: [
      ...open(),
      run("h", "history", ROOM, { limit: 2 }),
      expect({ type: "history", id: "<id1>" }),
      send({ type: "item", id: "<id1>", position: "e:1", data: 1 }),
      ...nothing(),
      ...reconnect(),
      expect({ type: "history", id: "<id2>", topic: ROOM, limit: 2 }, "b"),
      send({ type: "item", id: "<id2>", position: "e:2", data: 2 }, "b"),
      send({ type: "result", id: "<id2>", position: "e:2" }, "b"),
      value("h", { messages: [{ data: 2, position: "e:2" }], position: "e:2" }),
    ],
  },
];
