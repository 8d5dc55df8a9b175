import type { ServerScript } from "../script.ts";
import {
  expect,
  type Frame,
  hello,
  inRoom,
  nothing,
  publish,
  request,
  send,
  subscribe,
} from "./parts.ts";

const ROOM = "rooms/<run>";

const PUBLISH = { type: "publish", id: 1, topic: ROOM, number: 1, data: { text: "one" } };

const STORED = { type: "result", position: "<position1>", isDuplicate: false };

const DUPLICATE = { type: "result", position: "<position1>", isDuplicate: true };

const KEY = { type: "publish", id: 1, topic: ROOM, key: "<run>-key", data: { text: "one" } };

/** Nothing was stored: the topic is still at its start. */
const failed = (frame: Frame, error: Frame): ServerScript["steps"] => [
  ...hello(),
  ...subscribe(ROOM),
  ...request({ ...PUBLISH, id: 2, ...frame }, { type: "error", mayBeStored: false, ...error }),
  ...nothing(),
];

/** Scripts for `publish`. */
export const PUBLISH_SCRIPTS: readonly ServerScript[] = [
  {
    name: "answers a publish with its position",
    steps: [...hello(), ...request(PUBLISH, STORED)],
  },
  {
    name: "stores a publish once that a client sends again on the same connection",
    steps: [
      ...hello(),
      ...subscribe(ROOM, { id: 9 }),
      send(PUBLISH),
      { expectAll: [{ frame: STORED }, { frame: inRoom("one") }] },
      ...request({ ...PUBLISH, id: 2 }, DUPLICATE),
      ...nothing(),
    ],
  },
  {
    name: "stores a publish once that a client sends again after a reconnect",
    steps: [
      ...hello(),
      ...request(PUBLISH, STORED),
      { drop: true },
      ...hello("b", "ann", "<session>", 2),
      ...request(PUBLISH, DUPLICATE, "b"),
    ],
  },
  {
    name: "keeps the numbers of sessions apart",
    steps: [
      ...hello(),
      ...request(PUBLISH, STORED),
      ...hello("b", "ann", "<session2>"),
      ...request(PUBLISH, { type: "result", position: "<position2>", isDuplicate: false }, "b"),
    ],
  },
  {
    name: "stores a key once, for all clients together",
    steps: [
      ...hello(),
      ...request(KEY, STORED),
      ...hello("b", "bob", "<session2>"),
      ...request(KEY, DUPLICATE, "b"),
    ],
  },
  {
    name: "accepts a key of 124 characters",
    steps: [
      ...hello(),
      ...request({ ...KEY, key: { "<repeat>": ["k", 124] } }, { type: "result" }),
    ],
  },
  {
    name: "stores the publishes of a connection to one topic in order",
    steps: [
      ...hello(),
      ...hello("b", "bob", "<session2>"),
      ...subscribe(ROOM, { on: "b" }),
      ...[1, 2, 3, 4, 5].map((number) =>
        send({ ...PUBLISH, id: number, number, data: { text: `${number}` } }),
      ),
      ...[1, 2, 3, 4, 5].map((id) => expect({ type: "result", id, isDuplicate: false })),
      ...[1, 2, 3, 4, 5].map((number) => expect(inRoom(`${number}`), "b")),
    ],
  },
  {
    name: "answers data that does not match the schema with INVALID_DATA and the issues, and stores nothing",
    steps: failed(
      { data: { text: 1 } },
      { code: "INVALID_DATA", issues: [{ message: "<string>", path: ["text"] }] },
    ),
  },
  {
    name: "answers a publish without data with INVALID_DATA",
    steps: failed({ data: "<absent>" }, { code: "INVALID_DATA" }),
  },
  {
    name: "answers a publish that the rule denies with FORBIDDEN",
    steps: failed({ data: { text: "forbidden" } }, { code: "FORBIDDEN" }),
  },
  {
    name: "answers a publish with INTERNAL if its rule throws, without the reason",
    steps: failed(
      { data: { text: "broken" } },
      { code: "INTERNAL", message: { "<matches>": "^(?!.*is broken)" }, data: "<absent>" },
    ),
  },
  {
    name: "answers a publish to an unknown topic with UNKNOWN_TOPIC",
    steps: failed({ topic: "nowhere/<run>" }, { code: "UNKNOWN_TOPIC" }),
  },
  {
    name: "answers a publish to a topic without rules with FORBIDDEN",
    steps: failed({ topic: "hidden/<run>", data: 1 }, { code: "FORBIDDEN" }),
  },
  {
    name: "answers bytes for a schema of JSON with INVALID_DATA, and JSON for bytes",
    steps: [
      ...hello(),
      { send: { ...PUBLISH, data: "<absent>" }, bytes: "7b7d" },
      expect({ type: "error", id: 1, code: "INVALID_DATA", mayBeStored: false }),
      send({ type: "seen", id: 1 }),
      ...request(
        { type: "publish", id: 2, topic: "files/<run>", number: 2, data: "text" },
        { type: "error", code: "INVALID_DATA", mayBeStored: false },
      ),
    ],
  },
  {
    name: "publishes bytes of a binary message",
    steps: [
      ...hello(),
      { send: { type: "publish", id: 1, topic: "files/<run>", number: 1 }, bytes: "" },
      expect({ type: "result", id: 1, isDuplicate: false }),
      { send: { type: "history", id: 2, topic: "files/<run>", limit: 1 } },
      { expect: { type: "item", id: 2, position: "<string>" }, bytes: "" },
      expect({ type: "result", id: 2 }),
    ],
  },
  {
    name: "stores a publish once if the client loses its connection before the answer",
    steps: [
      ...hello(),
      send(PUBLISH),
      { drop: true },
      ...hello("b", "ann", "<session>", 2),
      ...subscribe(ROOM, { on: "b", id: 5, last: 10 }).slice(0, 1),
      send({ ...PUBLISH, id: 6 }, "b"),
      {
        on: "b",
        expectAll: [
          { frame: { type: "subscribed", id: 5, number: "<number1>" } },
          { frame: ["<number>", { text: "one", from: "ann" }] },
          { frame: { type: "result", id: 6, position: "<string>" } },
        ],
      },
      ...nothing("b"),
    ],
  },
];

/** Scripts for `history`. */
export const HISTORY_SCRIPTS: readonly ServerScript[] = history();

function history(): readonly ServerScript[] {
  const stored = [
    ...hello(),
    ...[1, 2, 3, 4, 5].flatMap((number) => publish(ROOM, number, { text: `${number}` })),
  ];
  const read = (fields: Frame, numbers: readonly number[]): ServerScript["steps"] => [
    send({ type: "history", id: 1, topic: ROOM, limit: 10, ...fields }),
    ...numbers.map((number) =>
      expect({
        type: "item",
        id: 1,
        position: `<position${number}>`,
        data: { text: `${number}`, from: "ann" },
      }),
    ),
    expect({ type: "result", id: 1, position: "<position5>", reason: "<absent>" }),
  ];
  const refused = (fields: Frame, code: string): ServerScript["steps"] => [
    ...stored,
    ...request(
      { type: "history", id: 1, topic: ROOM, limit: 10, ...fields },
      { type: "error", code },
    ),
    ...nothing(),
  ];
  return [
    {
      name: "reads the latest publications of a topic in order",
      steps: [...stored, ...read({}, [1, 2, 3, 4, 5]), ...read({ limit: 2 }, [4, 5])],
    },
    {
      name: "reads the publications before a position",
      steps: [
        ...stored,
        ...read({ before: "<position4>", limit: 2 }, [2, 3]),
        ...read({ before: "<position1>" }, []),
      ],
    },
    {
      name: "reads the publications after a position",
      steps: [
        ...stored,
        ...read({ after: "<position2>", limit: 2 }, [3, 4]),
        ...read({ after: "<position5>" }, []),
      ],
    },
    {
      name: "reads only the position with the limit 0",
      steps: [...stored, ...read({ limit: 0 }, [])],
    },
    {
      name: "says why publications do not follow after",
      steps: [
        ...stored,
        ...request(
          { type: "history", id: 1, topic: ROOM, limit: 10, after: "lost:1" },
          { type: "result", position: "<position5>", reason: "epoch-changed" },
        ),
      ],
    },
    {
      name: "answers a history before something that is not a position with INVALID_REQUEST",
      steps: refused({ before: "?" }, "INVALID_REQUEST"),
    },
    {
      name: "answers a history of a volatile topic with INVALID_REQUEST",
      steps: refused({ topic: "moves/<run>" }, "INVALID_REQUEST"),
    },
    {
      name: "answers a history of an unknown topic with UNKNOWN_TOPIC",
      steps: refused({ topic: "nowhere/<run>" }, "UNKNOWN_TOPIC"),
    },
    {
      name: "answers a history that the subscribe rule denies with FORBIDDEN",
      steps: refused({ topic: "rooms/closed-<run>" }, "FORBIDDEN"),
    },
  ];
}
