import type { ServerScript } from "../script.ts";
import { expect, type Frame, hello, nothing, request, send } from "./parts.ts";

const ROOM = "rooms/<run>";

const ANN = { id: "ann", data: { name: "ann" } };
const BOB = { id: "bob", data: { name: "bob" } };

const enter = (member: Frame, on: string, fields: Frame = {}): ServerScript["steps"] =>
  request({ type: "enter", id: 1, topic: ROOM, ...fields }, { type: "result", member }, on);

const watch = (members: readonly Frame[], on = "a"): ServerScript["steps"] => [
  send({ type: "watch", id: 9, topic: ROOM }, on),
  expect({ type: "members", topic: ROOM, members: { "<set>": members } }, on),
];

const join = (member: Frame, on = "a"): ServerScript["steps"][number] =>
  expect({ type: "join", topic: ROOM, member }, on);

const leave = (member: Frame, on = "a"): ServerScript["steps"][number] =>
  expect({ type: "leave", topic: ROOM, member }, on);

const failed = (frame: Frame, code: string): ServerScript["steps"] => [
  ...hello(),
  ...request({ id: 1, ...frame }, { type: "error", code }),
  ...nothing(),
];

/** A client that watches the room. The room has these members. */
const watching = (...members: readonly Frame[]): ServerScript["steps"] => [
  ...hello("a", "watcher", "<session2>"),
  ...watch(members),
];

/** Scripts for `enter`, `leave` and `watch`. */
export const PRESENCE_SCRIPTS: readonly ServerScript[] = [
  {
    name: "answers enter with the member, as the rule made it",
    steps: [...hello(), ...enter(ANN, "a")],
  },
  {
    name: "sends all members to a client that watches, and then each join and leave",
    steps: [
      ...hello("b"),
      ...enter(ANN, "b"),
      ...watching(ANN),
      ...hello("c", "bob", "<session3>"),
      ...enter(BOB, "c"),
      join(BOB),
      ...request({ type: "leave", id: 2, topic: ROOM }, { type: "result" }, "b"),
      leave(ANN),
    ],
  },
  {
    name: "removes the members of a client that closes normally",
    steps: [
      ...watching(),
      ...hello("b"),
      ...enter(ANN, "b"),
      join(ANN),
      { close: 1000, on: "b" },
      leave(ANN),
    ],
  },
  {
    name: "removes the members of a client that has gone, after the grace period",
    steps: [
      ...watching(),
      ...hello("b"),
      ...enter(ANN, "b"),
      join(ANN),
      { drop: true, on: "b" },
      leave(ANN),
    ],
  },
  {
    name: "keeps a member that returns within the grace period, without a leave and a join",
    steps: [
      ...watching(),
      ...hello("b"),
      ...enter(ANN, "b"),
      join(ANN),
      { drop: true, on: "b" },
      ...hello("c", "ann", "<session>", 2),
      ...enter(ANN, "c", { replaces: 1 }),
      ...hello("d", "bob", "<session3>"),
      ...enter(BOB, "d"),
      join(BOB),
      ...request({ type: "leave", id: 2, topic: ROOM }, { type: "result" }, "c"),
      leave(ANN),
    ],
  },
  {
    name: "keeps a member that enters on a second connection before the first one ends",
    steps: [
      ...watching(),
      ...hello("b"),
      ...enter(ANN, "b"),
      join(ANN),
      ...hello("c", "ann", "<session>", 2),
      ...enter(ANN, "c", { replaces: 1 }),
      { close: 1000, on: "b" },
      ...hello("d", "bob", "<session3>"),
      ...enter(BOB, "d"),
      join(BOB),
      ...request({ type: "leave", id: 2, topic: ROOM }, { type: "result" }, "c"),
      leave(ANN),
    ],
  },
  {
    name: "removes a member that leaves on a later connection, without entering on it",
    steps: [
      ...watching(),
      ...hello("b"),
      ...enter(ANN, "b"),
      join(ANN),
      { drop: true, on: "b" },
      ...hello("c", "ann", "<session>", 3),
      ...request({ type: "leave", id: 1, topic: ROOM, replaces: 1 }, { type: "result" }, "c"),
      leave(ANN),
    ],
  },
  {
    name: "removes the members of all connections from replaces on",
    steps: [
      ...watching(),
      ...hello("b"),
      ...enter(ANN, "b"),
      join(ANN),
      ...hello("c", "ann", "<session>", 2),
      ...enter(ANN, "c", { replaces: 1 }),
      { drop: true, on: "b" },
      { drop: true, on: "c" },
      ...hello("d", "ann", "<session>", 4),
      ...enter(ANN, "d", { replaces: 1 }),
      ...request({ type: "leave", id: 2, topic: ROOM }, { type: "result" }, "d"),
      leave(ANN),
    ],
  },
  {
    name: "removes no member of another session by a leave with replaces",
    steps: [
      ...watching(),
      ...hello("b"),
      ...enter(ANN, "b"),
      join(ANN),
      ...hello("c", "bob", "<session3>", 2),
      ...request({ type: "leave", id: 1, topic: ROOM, replaces: 1 }, { type: "result" }, "c"),
      ...nothing(),
    ],
  },
  {
    name: "answers a leave of a client that has not entered with a result",
    steps: [
      ...hello(),
      ...request({ type: "leave", id: 1, topic: ROOM }, { type: "result" }),
      ...nothing(),
    ],
  },
  {
    name: "sends nothing after unwatch",
    steps: [
      ...watching(),
      send({ type: "unwatch", topic: ROOM }),
      ...nothing(),
      ...hello("b"),
      ...enter(ANN, "b"),
      ...nothing(),
    ],
  },
  {
    name: "ends a watch that the rule denies later",
    steps: [
      ...watching(),
      ...hello("b"),
      ...request(
        { type: "call", id: 1, name: "revoke", input: { topic: ROOM } },
        { type: "result" },
        "b",
      ),
      expect({ type: "unwatched", topic: ROOM, code: "FORBIDDEN" }),
    ],
  },
  {
    name: "answers a second enter with the same member, and sends no join",
    steps: [
      ...watching(),
      ...hello("b"),
      ...enter(ANN, "b"),
      join(ANN),
      ...enter(ANN, "b"),
      ...nothing(),
    ],
  },
  {
    name: "answers a second watch of a topic with INVALID_REQUEST, and keeps the first",
    steps: [
      ...watching(),
      ...request({ type: "watch", id: 2, topic: ROOM }, { type: "error", code: "INVALID_REQUEST" }),
      ...hello("b"),
      ...enter(ANN, "b"),
      join(ANN),
    ],
  },
  {
    name: "answers a watch and an enter with FORBIDDEN if the topic has no members",
    steps: [
      ...failed({ type: "watch", topic: "short/<run>" }, "FORBIDDEN"),
      ...request(
        { type: "enter", id: 1, topic: "short/<run>" },
        { type: "error", code: "FORBIDDEN" },
      ),
    ],
  },
  {
    name: "answers an enter with INTERNAL if its rule throws",
    steps: failed({ type: "enter", topic: "rooms/broken-<run>" }, "INTERNAL"),
  },
  {
    name: "removes no member of another session by replaces",
    steps: [
      ...watching(),
      ...hello("b"),
      ...enter(ANN, "b"),
      join(ANN),
      ...hello("c", "bob", "<session3>"),
      ...enter(BOB, "c", { replaces: 1 }),
      join(BOB),
      ...nothing(),
    ],
  },
  {
    name: "answers a watch that the subscribe rule denies with FORBIDDEN",
    steps: failed({ type: "watch", topic: "rooms/closed-<run>" }, "FORBIDDEN"),
  },
  {
    name: "answers a watch of an unknown topic with UNKNOWN_TOPIC",
    steps: failed({ type: "watch", topic: "nowhere/<run>" }, "UNKNOWN_TOPIC"),
  },
  {
    name: "answers an enter that the rule denies with FORBIDDEN",
    steps: failed({ type: "enter", topic: "rooms/closed-<run>" }, "FORBIDDEN"),
  },
  {
    name: "answers an enter of an unknown topic with UNKNOWN_TOPIC",
    steps: failed({ type: "enter", topic: "nowhere/<run>" }, "UNKNOWN_TOPIC"),
  },
];
