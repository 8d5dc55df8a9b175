import type { StandardSchema } from "../../schema/standard-schema.ts";
import type { CheckDataSchema, CheckJsonSchema, ContractError } from "./json-types.ts";

/** A topic of a contract. Each schema is of JSON values, or {@link bytes} except for `member`. */
export interface TopicDefinition {
  /** The schema of the messages that subscribers get. */
  readonly message: StandardSchema;
  /** The schema of the drafts that clients publish. Default: `message`. */
  readonly publish?: StandardSchema;
  /** The schema of the data of a member. Default: the topic has no presence. */
  readonly member?: StandardSchema;
  /**
   * Whether messages are sent to the current subscribers only. They are not stored and have no position. A
   * slow subscriber gets the latest message of each sender. Default: `false`.
   */
  readonly isVolatile?: boolean;
}

/** A call of a contract. A call with `item` is a stream, which has no `output`. */
export interface CallDefinition {
  /** The schema of the input. Default: the call has no input. */
  readonly input?: StandardSchema;
  /** The schema of the output. Default: the call has no output. */
  readonly output?: StandardSchema;
  /** The schema of the items of a stream. Default: the call is not a stream. */
  readonly item?: StandardSchema;
  /** The schemas of the data of errors, by their names. A name must have a lower-case letter. Default: none. */
  readonly errors?: { readonly [name: string]: StandardSchema };
  /**
   * Whether the client sends the call again after a reconnect, with the same id, which the handler gets. Not
   * for streams. Default: `false`, so that the call fails if the connection is lost.
   */
  readonly isIdempotent?: boolean;
  /**
   * Whether a stream continues after a reconnect. Its items have ids, and the handler gets the id of the last
   * item that the client has. Default: `false`, so that the stream fails if the connection is lost.
   */
  readonly isResumable?: boolean;
}

/** The topics and calls that a client and a server have in common. */
export interface Contract {
  /** The topics, by patterns such as `"rooms/:room"`. A name must match one pattern only. */
  readonly topics?: { readonly [pattern: string]: TopicDefinition };
  /** The calls and streams, by name. A name has 1 to 128 characters. */
  readonly calls?: { readonly [name: string]: CallDefinition };
}

/**
 * A type to which only a valid contract is assignable. For any other, the error of TypeScript has the
 * reason.
 */
export type CheckContract<C> = {
  readonly [Key in keyof C]: Key extends "topics"
    ? { readonly [Pattern in keyof C[Key]]: CheckTopic<C[Key][Pattern]> }
    : Key extends "calls"
      ? { readonly [Name in keyof C[Key]]: CheckCall<C[Key][Name]> }
      : ContractError<"a contract has only topics and calls">;
};

/** The part of {@link CheckContract} for a topic. */
export type CheckTopic<Topic> = {
  readonly [Key in keyof Topic]: Key extends "message" | "publish"
    ? CheckDataSchema<Topic[Key]>
    : Key extends "member"
      ? CheckJsonSchema<Topic[Key], undefined>
      : Key extends "isVolatile"
        ? unknown
        : ContractError<"a topic has only message, publish, member and isVolatile">;
};

/** The part of {@link CheckContract} for a call. */
export type CheckCall<Call> = {
  readonly [Key in keyof Call]: Key extends "input"
    ? CheckDataSchema<Call[Key], undefined>
    : Key extends "output"
      ? Call extends { readonly item: unknown }
        ? ContractError<"a call with item is a stream, which has no output">
        : CheckDataSchema<Call[Key], undefined>
      : Key extends "item"
        ? CheckDataSchema<Call[Key]>
        : Key extends "errors"
          ? { readonly [Name in keyof Call[Key]]: CheckError<Name, Call[Key][Name]> }
          : Key extends "isIdempotent"
            ? Call extends { readonly item: unknown }
              ? ContractError<"a call with item is a stream, which cannot be idempotent; isResumable is for streams">
              : unknown
            : Key extends "isResumable"
              ? Call extends { readonly item: unknown }
                ? unknown
                : ContractError<"isResumable is for streams, which have item; isIdempotent is for calls">
              : ContractError<"a call has only input, output, item, errors, isIdempotent and isResumable">;
};

/** The part of {@link CheckContract} for an error of a call. */
export type CheckError<Name, Schema> =
  Name extends Uppercase<Name & string>
    ? ContractError<"the name of an error must have a lower-case letter">
    : CheckJsonSchema<Schema, undefined>;
