/**
 * A JSON value of a script. A string such as `"<name>"` is a placeholder.
 *
 * In values that a script sends, `<name>` is the value of the variable `name`. It can be a part of a string. A
 * field with the value `<absent>` is left out.
 *
 * In values that a script expects, a string that is one placeholder means:
 *
 * - `<string>`, `<number>`, `<boolean>`, `<object>`, `<any>`: any value of that type.
 * - `<absent>`: the field must be absent.
 * - any other name: the value of that variable. If it has none yet, the value is stored in it.
 *
 * These variables have a value at the start: `run`, a word that no other script uses, for the names of topics;
 * and `session`, `session2`, `session3`, three secrets for `hello`.
 *
 * An expected object matches an object with further fields, because both ends ignore unknown fields. An
 * expected array must have the same length. Objects with one of these names are special:
 *
 * - `{ "<set>": [...] }` matches an array with these elements in any order.
 * - `{ "<unlike>": value }` matches any other value.
 * - `{ "<matches>": text }` matches a text by a regular expression.
 * - `{ "<repeat>": [text, times] }` is a long text.
 * - `{ "<bytes>": hexadecimal }` is a `Uint8Array`, in arguments and results of a driver.
 */
export type ScriptValue =
  | null
  | boolean
  | number
  | string
  | readonly ScriptValue[]
  | { readonly [name: string]: ScriptValue };

/** A frame in a script. */
export interface ScriptFrame {
  readonly frame: ScriptValue;
  /** The bytes that follow the frame in a binary message, in hexadecimal. Default: it is a text message. */
  readonly bytes?: string;
}

/** The step's connection, by the name that `connect` or `accept` gave it. Default: `"a"`. */
interface OnConnection {
  readonly on?: string;
}

/** A step that both roles have. */
export type ConnectionStep = OnConnection &
  (
    | { readonly send: ScriptValue; readonly bytes?: string }
    /** Sends a text message that is not a valid frame. */
    | { readonly sendText: string }
    /** Sends a binary message, in hexadecimal. */
    | { readonly sendBytes: string }
    /** The next message must match. */
    | { readonly expect: ScriptValue; readonly bytes?: string }
    /** The next messages must match these frames, in any order. */
    | { readonly expectAll: readonly ScriptFrame[] }
    /** The other end must close the connection with this code, and send nothing before it. */
    | { readonly expectClose: number }
    /** Starts the closing handshake. */
    | { readonly close: number }
    /** Ends the connection without a closing handshake. */
    | { readonly drop: true }
  );

/** A step of a script for a server: the script is the client. */
export type ServerStep =
  | ConnectionStep
  /** Opens a connection with this name. It must open with the first of `protocols`. */
  | { readonly connect: string; readonly protocols?: readonly string[] };

/** A script for a server under test. */
export interface ServerScript {
  /** A sentence about the server, such as "answers a ping with a pong". */
  readonly name: string;
  readonly steps: readonly ServerStep[];
}

/** The methods of a driver that a script calls. */
export type DriverMethod =
  | "publish"
  | "history"
  | "call"
  | "messages"
  | "stream"
  | "members"
  | "enter"
  | "leave"
  | "close";

/** A step of a script for a client: the script is the server. */
export type ClientStep =
  | ConnectionStep
  /** Waits for a connection of the client, and gives it this name. */
  | { readonly accept: string }
  /** Calls a method of the driver. A later step checks its result, by the name `as`. */
  | {
      readonly run: DriverMethod;
      readonly arguments?: readonly ScriptValue[];
      readonly as: string;
    }
  /** Takes the next value of the iterator that the step `of` returned. */
  | { readonly next: string; readonly as: string }
  /** Ends the iterator that the step `of` returned. */
  | { readonly end: string }
  /** The result of the step `of` must match. The result of `next` has `done` and `value`. */
  | { readonly expectValue: ScriptValue; readonly of: string }
  /** The step `of` must fail with a matching error. */
  | { readonly expectError: ScriptValue; readonly of: string };

/** A script for a client under test. */
export interface ClientScript {
  /** A sentence about the client, such as "sends a publish again after a reconnect". */
  readonly name: string;
  /** The options of the client. */
  readonly options?: ClientScriptOptions;
  readonly steps: readonly ClientStep[];
}

/** The options with which a script opens its client. */
export interface ClientScriptOptions {
  /** The results of `auth`, one after the other. The client gets the last one again and again. Default: none. */
  readonly auth?: readonly ScriptValue[];
  /** The credit of each subscription and stream, in bytes. Default: 262,144. */
  readonly creditBytes?: number;
}
