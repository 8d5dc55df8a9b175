import { TidewayError, UsageError } from "../errors/index.ts";
import { CloseCode } from "../protocol/close-code.ts";
import type { Message } from "../streams/message-consumer.ts";
import { InvalidMessageError } from "./invalid-message-error.ts";
import type { ServerSocket } from "./server-socket.ts";
import type { SchemaResult, StandardSchema } from "../schema/standard-schema.ts";
import { isInstance, isThenable } from "./values.ts";

/** The value of a message; undefined if the message was invalid, which ends the messages. */
export type Reading<T> = { readonly value: T } | undefined;

/** Parses and validates the messages of a socket. Closes the socket at an invalid message. */
export class JsonReader<T> {
  readonly socket: ServerSocket;
  readonly #schema: StandardSchema<unknown, T>;

  constructor(socket: ServerSocket, schema: StandardSchema<unknown, T>) {
    this.socket = socket;
    this.#schema = schema;
  }

  /** Reads one message. Never throws or rejects. Returns a promise only if the schema does. */
  read(message: Message): Reading<T> | Promise<Reading<T>> {
    if (typeof message !== "string") return this.#end(new InvalidMessageError("not text"));
    let value: unknown;
    try {
      value = JSON.parse(message);
    } catch (cause) {
      return this.#end(new InvalidMessageError("not JSON", { cause }));
    }
    try {
      const result = this.#schema["~standard"].validate(value);
      if (!isThenable(result)) return this.#settle(result);
      return Promise.resolve(result)
        .then((settled) => this.#settle(settled))
        .catch((error: unknown) => this.#fail(error, value));
    } catch (error) {
      return this.#fail(error, value);
    }
  }

  /**
   * Returns the value of a valid message. By Standard Schema, a result without `issues` is a success.
   *
   * @throws UsageError `INVALID_SCHEMA_RESULT`
   */
  #settle(result: SchemaResult<T>): Reading<T> {
    if (typeof result !== "object" || result === null) throw invalidResult(result);
    if (!result.issues) {
      if (!("value" in result)) throw invalidResult(result);
      return { value: result.value };
    }
    return this.#end(new InvalidMessageError("not valid", { issues: result.issues }));
  }

  #fail(cause: unknown, value: unknown): undefined {
    // Validation is recursive, so a deeply nested value of a peer can exhaust the stack.
    if (isInstance(cause, RangeError) && isNestedDeeperThan(MAX_DEPTH, value)) {
      return this.#end(new InvalidMessageError("nested too deeply", { cause }));
    }
    return this.#end(
      new TidewayError(
        "SCHEMA_FAILED",
        "the route's schema could not validate a message; see cause",
        {
          closeCode: CloseCode.InternalError,
          cause,
        },
      ),
    );
  }

  #end(error: TidewayError): undefined {
    this.socket.endMessages(error);
  }
}

function invalidResult(result: unknown): UsageError {
  const type = result === null ? "null" : typeof result;
  const shown = type === "object" ? "an object" : type;
  return new UsageError(
    "INVALID_SCHEMA_RESULT",
    `validate of the schema returned ${shown}; it must return { value } or { issues } (Standard Schema 1)`,
  );
}

/** At this depth of nesting or less, a RangeError is the fault of the schema, not of the peer. */
const MAX_DEPTH = 100;

function isNestedDeeperThan(depth: number, value: unknown): boolean {
  let level = [value].filter(isObject);
  for (let at = 0; at < depth; at++)
    level = level.flatMap((item) => Object.values(item)).filter(isObject);
  return level.length > 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
