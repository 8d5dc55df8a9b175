import type { ServerScript } from "../script.ts";
import { connect, expect, hello, nothing, request, send, subscribe } from "./parts.ts";

const HELLO = { type: "hello", auth: { name: "ann" }, session: "<session>", connection: 1 };

const WELCOME = {
  type: "welcome",
  idWindowMs: "<number>",
  repeatable: { "<set>": ["place", "lines"] },
  maxPending: { publish: "<number>", call: 4 },
};

/** Scripts for subprotocols, `hello` and `auth`. */
export const HELLO_SCRIPTS: readonly ServerScript[] = [
  {
    name: "answers hello with welcome",
    steps: [connect, send(HELLO), expect({ ...WELCOME, expiresInMs: "<absent>" })],
  },
  {
    name: "accepts a client that offers no subprotocol",
    steps: [{ connect: "a", protocols: [] }, send(HELLO), expect(WELCOME)],
  },
  {
    name: "names its versions to a client of another version, and closes with 1002",
    steps: [
      { connect: "a", protocols: ["tideway.channels.999"] },
      expect({ type: "versions", versions: ["tideway.channels.1"] }),
      { expectClose: 1002 },
    ],
  },
  ...[
    { auth: "unauthorized", code: 3000 },
    { auth: "forbidden", code: 3003 },
    { auth: "broken", code: 1011 },
  ].map(({ auth, code }) => ({
    name: `closes with ${code} if authorize answers "${auth}"`,
    steps: [connect, send({ ...HELLO, auth }), { expectClose: code }],
  })),
  {
    name: "authorizes a hello without auth",
    steps: [connect, send({ ...HELLO, auth: "<absent>" }), { expectClose: 3000 }],
  },
  {
    name: "processes what arrives before the welcome after it, in order",
    steps: [
      connect,
      send(HELLO),
      send({ type: "call", id: 1, name: "echo", input: "one" }),
      send({ type: "call", id: 2, name: "echo", input: "two" }),
      expect(WELCOME),
      expect({ type: "result", id: 1, output: "one" }),
      expect({ type: "result", id: 2, output: "two" }),
    ],
  },
  {
    name: "runs nothing for a client that it does not accept",
    steps: [
      connect,
      send({ ...HELLO, auth: "unauthorized" }),
      send({ type: "call", id: 1, name: "echo", input: "one" }),
      { expectClose: 3000 },
    ],
  },
  {
    name: "closes with 3008 if no hello arrives in time",
    steps: [connect, { expectClose: 3008 }],
  },
  {
    name: "closes with 3008 if only frames of unknown types arrive in time",
    steps: [connect, send({ type: "later" }), { expectClose: 3008 }],
  },
  {
    name: "closes with 1011 if authorize does not settle in time",
    steps: [connect, send({ ...HELLO, auth: "silent" }), { expectClose: 1011 }],
  },
  {
    name: "closes with 1009 for more than 16 KiB in several messages before the welcome",
    steps: [
      connect,
      send({ ...HELLO, auth: "silent" }),
      ...[1, 2].map((id) =>
        send({ type: "call", id, name: "echo", input: { "<repeat>": ["x", 8_192] } }),
      ),
      { expectClose: 1009 },
    ],
  },
  {
    name: "closes with 1009 for more than 16 KiB before the welcome",
    steps: [
      connect,
      send({ ...HELLO, auth: { "<repeat>": ["x", 16_384] } }),
      { expectClose: 1009 },
    ],
  },
  ...[
    { what: "a request", frame: { type: "call", id: 1, name: "echo" } },
    { what: "a notice", frame: { type: "ping" } },
    { what: "a hello without a session", frame: { type: "hello", connection: 1 } },
    { what: "a hello with a short session", frame: { ...HELLO, session: "short" } },
    { what: "a hello with a connection of 0", frame: { ...HELLO, connection: 0 } },
    { what: "a hello without a connection", frame: { type: "hello", session: "<session>" } },
  ].map(({ what, frame }) => ({
    name: `closes with 1002 if the first frame is ${what}`,
    steps: [connect, send(frame), { expectClose: 1002 }],
  })),
  {
    name: "closes with 1002 for a second hello",
    steps: [...hello(), send({ ...HELLO, connection: 2 }), { expectClose: 1002 }],
  },
  {
    name: "ignores unknown fields of hello",
    steps: [connect, send({ ...HELLO, later: [1] }), expect(WELCOME)],
  },
  {
    name: "tells when the credentials expire, and closes with 3000 after that",
    steps: [
      connect,
      send({ ...HELLO, auth: { name: "ann", expiresInMs: 200 } }),
      expect({ ...WELCOME, expiresInMs: "<number>" }),
      { expectClose: 3000 },
    ],
  },
  {
    name: "answers fresh credentials with another welcome, and uses the state of the latest",
    steps: [
      connect,
      send({ ...HELLO, auth: { name: "ann", expiresInMs: 60_000 } }),
      expect({ ...WELCOME, expiresInMs: "<number>" }),
      send({ type: "auth", auth: { name: "bob" } }),
      expect(WELCOME),
      ...request({ type: "call", id: 1, name: "whoami" }, { type: "result", output: "bob" }),
    ],
  },
  {
    name: "closes with 1009 for fresh credentials of more than 16 KiB",
    steps: [
      connect,
      send({ ...HELLO, auth: { name: "ann", expiresInMs: 60_000 } }),
      expect(WELCOME),
      send({ type: "auth", auth: { "<repeat>": ["x", 16_384] } }),
      { expectClose: 1009 },
    ],
  },
  {
    name: "answers auth with another welcome if the credentials do not expire",
    steps: [connect, send(HELLO), expect(WELCOME), send({ type: "auth" }), expect(WELCOME)],
  },
  {
    name: "ends the subscriptions and watches that a rule does not allow with fresh credentials",
    steps: [
      connect,
      send({ ...HELLO, auth: { name: "ann", expiresInMs: 60_000 } }),
      expect(WELCOME),
      ...subscribe("rooms/<run>"),
      ...request(
        { type: "watch", id: 2, topic: "rooms/<run>" },
        { type: "members", topic: "rooms/<run>" },
      ),
      ...subscribe("short/<run>", { id: 3, number: "short" }),
      send({ type: "auth", auth: { name: "banned", expiresInMs: 60_000 } }),
      {
        expectAll: [
          { frame: WELCOME },
          { frame: { type: "unsubscribed", topic: "rooms/<run>", code: "FORBIDDEN" } },
          { frame: { type: "unwatched", topic: "rooms/<run>", code: "FORBIDDEN" } },
        ],
      },
      ...nothing(),
    ],
  },
  {
    name: "closes with 3000 for fresh credentials that it does not accept",
    steps: [
      connect,
      send({ ...HELLO, auth: { name: "ann", expiresInMs: 60_000 } }),
      expect(WELCOME),
      send({ type: "auth", auth: "unauthorized" }),
      { expectClose: 3000 },
    ],
  },
];
