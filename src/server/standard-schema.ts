/**
 * A validator as of Standard Schema, version 1 (https://standardschema.dev), which the validation
 * libraries of the field implement. `Input` is what a valid value looks like, and `Output` what
 * validation makes of it.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  /** The standard's one property. */
  readonly "~standard": {
    readonly version: 1;
    /** The library that the validator is of. */
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    /** For the compiler only. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What validation found: a value, or what is wrong with it. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One thing that is wrong with a value. */
export interface SchemaIssue {
  readonly message: string;
  /** Where in the value. */
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined;
}

/**
 * What a route's messages look like. What is received is validated; what is sent is this server's
 * own, so that it is the compiler alone who looks at it.
 */
export type MessageSchema =
  | StandardSchema
  | { readonly receive: StandardSchema; readonly send: StandardSchema };

// Both name both members: TypeScript 5.9 compares the literal of a route as it is written there, and
// takes a member that is not named for one too many.

/** What the handler receives: what validation makes of a message. */
export type ReceivedOf<Schema> = OutputOf<
  Schema extends { readonly receive: infer Receive; readonly send?: unknown } ? Receive : Schema
>;

/** What the handler may send: what the peer can validate with the same schema. */
export type SentOf<Schema> = Schema extends {
  readonly receive?: unknown;
  readonly send: infer Send;
}
  ? InputOf<Send>
  : unknown;

/** Read off `validate`, as `types` may be left out. */
type OutputOf<Schema> = Schema extends {
  readonly "~standard": { readonly validate: (value: unknown) => infer Result };
}
  ? ValueOf<Awaited<Result>>
  : unknown;

type ValueOf<Result> = Result extends { readonly value: infer Value } ? Value : never;

type InputOf<Schema> = Schema extends {
  readonly "~standard": { readonly types?: { readonly input: infer Input } | undefined };
}
  ? Input
  : unknown;

/** The part of `schema` that validates what is received; undefined if there is none. */
export function receivingSchema(schema: MessageSchema): StandardSchema | undefined {
  if (isStandardSchema(schema)) return schema;
  const { receive, send } = Object(schema) as Partial<Record<"receive" | "send", unknown>>;
  return isStandardSchema(receive) && isStandardSchema(send) ? receive : undefined;
}

function isStandardSchema(value: unknown): value is StandardSchema {
  // Some libraries' schemas are functions.
  if ((typeof value !== "object" || value === null) && typeof value !== "function") return false;
  const { version, validate } = Object((value as Partial<StandardSchema>)["~standard"]) as Partial<
    StandardSchema["~standard"]
  >;
  return version === 1 && typeof validate === "function";
}
