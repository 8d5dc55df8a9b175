import { TidewayError } from "../../../errors/index.ts";
import { CloseCode } from "../../../protocol/close-code.ts";
import type { StandardSchema } from "../../../schema/standard-schema.ts";
import { validate, type Validation } from "../../../schema/validate.ts";
import { isThenable } from "../../../schema/values.ts";
import type { Message } from "../../../streams/message-consumer.ts";
import { InvalidMessageError } from "../invalid-message-error.ts";
import type { ServerSocket } from "../server-socket.ts";

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
    const outcome = validate(this.#schema, value);
    return isThenable(outcome)
      ? outcome.then((settled) => this.#settle(settled))
      : this.#settle(outcome);
  }

  #settle(outcome: Validation<T>): Reading<T> {
    switch (outcome.kind) {
      case "valid":
        return { value: outcome.value };
      case "invalid":
        return this.#end(new InvalidMessageError("not valid", { issues: outcome.issues }));
      case "too-deep":
        return this.#end(new InvalidMessageError("nested too deeply", { cause: outcome.cause }));
      case "failed":
        return this.#end(schemaFailed(outcome.cause));
    }
  }

  #end(error: TidewayError): undefined {
    this.socket.endMessages(error);
  }
}

function schemaFailed(cause: unknown): TidewayError {
  return new TidewayError(
    "SCHEMA_FAILED",
    "the route's schema could not validate a message; see cause",
    { closeCode: CloseCode.InternalError, cause },
  );
}
