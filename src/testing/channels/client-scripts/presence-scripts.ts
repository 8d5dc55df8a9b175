import type { ClientScript, ClientStep } from "../script.ts";
import {
  accept,
  error,
  expect,
  fails,
  item,
  nothing,
  open,
  reconnect,
  run,
  send,
  value,
  welcome,
} from "./parts.ts";

const ROOM = "rooms/1";

const ANN = { id: "ann", data: { name: "ann" } };
const BOB = { id: "bob", data: { name: "bob" } };

/** The client enters on connection `a`. */
const entered: readonly ClientStep[] = [
  ...open(),
  run("e", "enter", ROOM),
  expect({ type: "enter", id: "<id1>", topic: ROOM, replaces: "<absent>" }),
  send({ type: "result", id: "<id1>", member: ANN }),
  value("e", ANN),
];

/** The client watches on connection `a`, with ann as the only member. */
const watching: readonly ClientStep[] = [
  ...open(),
  run("w", "members", ROOM),
  { next: "w", as: "first" },
  expect({ type: "watch", id: "<id1>", topic: ROOM }),
  send({ type: "members", id: "<id1>", topic: ROOM, members: [ANN] }),
  value("first", { done: false, value: [ANN] }),
];

/** Scripts for `enter`, `leave` and `watch`. */
export const PRESENCE_SCRIPTS: readonly ClientScript[] = [
  { name: "enters a topic, and resolves with the member", steps: entered },
  {
    name: "rejects an enter with the error of the server, and does not enter again",
    steps: [
      ...open(),
      run("e", "enter", ROOM),
      expect({ type: "enter", id: "<id1>" }),
      send({ type: "error", id: "<id1>", code: "FORBIDDEN" }),
      error("e", { code: "FORBIDDEN" }),
      ...reconnect(),
      ...nothing("b"),
    ],
  },
  {
    name: "enters again on each connection, and replaces the entry of the connection before",
    steps: [
      ...entered,
      ...reconnect(),
      expect({ type: "enter", id: "<id2>", topic: ROOM, replaces: 1 }, "b"),
      send({ type: "result", id: "<id2>", member: ANN }, "b"),
      ...nothing("b"),
      { drop: true, on: "b" },
      ...accept("c", { connection: 3 }),
      welcome({}, "c"),
      expect({ type: "enter", topic: ROOM, replaces: 2 }, "c"),
    ],
  },
  {
    name: "replaces the entry of the last connection on which it has entered",
    steps: [
      ...entered,
      { drop: true },
      ...accept("b", { connection: 2 }),
      { drop: true, on: "b" },
      ...accept("c", { connection: 3 }),
      welcome({}, "c"),
      expect({ type: "enter", topic: ROOM, replaces: 1 }, "c"),
    ],
  },
  {
    name: "leaves a topic, and does not enter it again on another connection",
    steps: [
      ...entered,
      run("l", "leave", ROOM),
      expect({ type: "leave", id: "<id2>", topic: ROOM }),
      send({ type: "result", id: "<id2>" }),
      value("l", "<absent>"),
      ...reconnect(),
      ...nothing("b"),
    ],
  },
  {
    name: "replaces the entries of all connections since the last answer",
    steps: [
      ...entered,
      ...reconnect(),
      expect({ type: "enter", topic: ROOM, replaces: 1 }, "b"),
      { drop: true, on: "b" },
      ...accept("c", { connection: 3 }),
      welcome({}, "c"),
      expect({ type: "enter", topic: ROOM, replaces: 1 }, "c"),
    ],
  },
  {
    name: "leaves on the next connection, if it has left without one",
    steps: [
      ...entered,
      { drop: true },
      { accept: "b" },
      run("l", "leave", ROOM),
      expect({ type: "hello", connection: 2 }, "b"),
      welcome({}, "b"),
      expect({ type: "leave", id: "<id2>", topic: ROOM, replaces: 1 }, "b"),
      send({ type: "result", id: "<id2>" }, "b"),
      value("l", "<absent>"),
      ...nothing("b"),
    ],
  },
  {
    name: "leaves again, if the connection is lost before the answer",
    steps: [
      ...entered,
      run("l", "leave", ROOM),
      expect({ type: "leave", topic: ROOM }),
      ...reconnect(),
      expect({ type: "leave", id: "<id2>", topic: ROOM, replaces: 1 }, "b"),
      send({ type: "result", id: "<id2>" }, "b"),
      value("l", "<absent>"),
      { drop: true, on: "b" },
      ...accept("c", { connection: 3 }),
      welcome({}, "c"),
      ...nothing("c"),
    ],
  },
  {
    name: "replaces its member, if it leaves and enters again without a connection",
    steps: [
      ...entered,
      { drop: true },
      { accept: "b" },
      run("l", "leave", ROOM),
      run("e2", "enter", ROOM),
      value("l", "<absent>"),
      expect({ type: "hello", connection: 2 }, "b"),
      welcome({}, "b"),
      expect({ type: "enter", id: "<id2>", topic: ROOM, replaces: 1 }, "b"),
      send({ type: "result", id: "<id2>", member: ANN }, "b"),
      value("e2", ANN),
    ],
  },
  {
    name: "follows the members of a topic",
    steps: [
      ...watching,
      send({ type: "join", topic: ROOM, member: BOB }),
      ...item("w", { "<set>": [ANN, BOB] }),
      send({ type: "leave", topic: ROOM, member: ANN }),
      ...item("w", [BOB]),
      send({ type: "members", topic: ROOM, members: [ANN] }),
      ...item("w", [ANN]),
    ],
  },
  {
    name: "takes a join of a member that is there as a change of its data",
    steps: [
      ...watching,
      send({ type: "join", topic: ROOM, member: { id: "ann", data: { name: "Ann" } } }),
      ...item("w", [{ id: "ann", data: { name: "Ann" } }]),
    ],
  },
  {
    name: "watches again on another connection, and takes the new list of members",
    steps: [
      ...watching,
      ...reconnect(),
      expect({ type: "watch", id: "<id2>", topic: ROOM }, "b"),
      send({ type: "members", id: "<id2>", topic: ROOM, members: [BOB] }, "b"),
      ...item("w", [BOB]),
    ],
  },
  {
    name: "stops watching when the reader ends",
    steps: [
      ...watching,
      { end: "w" },
      expect({ type: "unwatch", topic: ROOM }),
      send({ type: "join", topic: ROOM, member: BOB }),
      ...nothing(),
    ],
  },
  {
    name: "fails when the server ends the watch",
    steps: [
      ...watching,
      send({ type: "unwatched", topic: ROOM, code: "FORBIDDEN" }),
      ...fails("w", { code: "FORBIDDEN" }),
      ...reconnect(),
      ...nothing("b"),
    ],
  },
  {
    name: "fails with the error of a refused watch",
    steps: [
      ...open(),
      run("w", "members", ROOM),
      { next: "w", as: "first" },
      expect({ type: "watch", id: "<id1>" }),
      send({ type: "error", id: "<id1>", code: "FORBIDDEN" }),
      error("first", { code: "FORBIDDEN" }),
    ],
  },
  {
    name: "restores subscriptions, watches, members and requests on another connection",
    steps: [
      ...entered,
      run("w", "members", ROOM),
      { next: "w", as: "first" },
      expect({ type: "watch", id: "<id2>" }),
      send({ type: "members", id: "<id2>", topic: ROOM, members: [ANN] }),
      run("m", "messages", ROOM),
      { next: "m", as: "message" },
      expect({ type: "subscribe", id: "<id3>" }),
      send({
        type: "subscribed",
        id: "<id3>",
        topic: ROOM,
        number: 1,
        position: "e:1",
        recovered: false,
      }),
      run("p", "publish", ROOM, 1),
      expect({ type: "publish" }),
      ...reconnect(),
      {
        on: "b",
        expectAll: [
          { frame: { type: "enter", replaces: 1 } },
          { frame: { type: "watch" } },
          { frame: { type: "subscribe", since: "e:1" } },
          { frame: { type: "publish" } },
        ],
      },
      ...nothing("b"),
    ],
  },
];
