/** The protocols of applications over WebSocket that the programs of the channels workloads speak. */
export interface Dialect {
  readonly path: string;
  readonly subprotocol?: string;
  /** The messages before the measurement: each is sent after the answers to the previous one. */
  readonly prelude: readonly PreludeStep[];
  /** A call. Call numbers below the number of calls in flight are used again after their answer. */
  call(number: number): string;
}

export interface PreludeStep {
  /** Absent if the server sends the first message. */
  readonly send?: readonly string[];
  /** The number of messages that answer it. */
  readonly answers: number;
}

export type DialectName = "channels" | "hand-made" | "socket.io";

/** The number of topics of an idle subscriber. */
export const SUBSCRIPTIONS = 10;

const INPUT = '{"a":1,"b":2}';

export const DIALECTS: Readonly<Record<DialectName, Dialect>> = {
  channels: {
    path: "/",
    subprotocol: "tideway.channels.1",
    prelude: [
      {
        send: ['{"type":"hello","session":"AAAAAAAAAAAAAAAAAAAAAA","connection":1}'],
        answers: 1,
      },
      {
        send: Array.from({ length: SUBSCRIPTIONS }, (_, number) => subscribe(number)),
        answers: SUBSCRIPTIONS,
      },
    ],
    call: (number) => `{"type":"call","id":${number + 1},"name":"math/add","input":${INPUT}}`,
  },
  "hand-made": { path: "/", prelude: [{ answers: SUBSCRIPTIONS }], call: () => "" },
  "socket.io": {
    path: "/socket.io/?EIO=4&transport=websocket",
    prelude: [{ answers: 1 }, { send: ["40"], answers: 1 }],
    call: (number) => `42${number}["math/add",${INPUT}]`,
  },
};

/** The credit is the highest that the server grants, so that a round needs no more. */
function subscribe(number: number): string {
  const topic = `"topic":"news/${number}"`;
  return `{"type":"subscribe","id":${number + 1},${topic},"credit":4194304}`;
}
