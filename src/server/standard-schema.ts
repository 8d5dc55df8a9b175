/**
 * A validator of Standard Schema, version 1 (https://standardschema.dev), which most validation
 * libraries implement. `Input` is the type of a valid value, and `Output` the type after validation.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  /** The only property of the standard. */
  readonly "~standard": {
    readonly version: 1;
    /** The name of the validation library. */
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    /** Types for the compiler; absent at run time. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** The result of validation: a value, or the issues of an invalid one. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One reason why a value is invalid. */
export interface SchemaIssue {
  readonly message: string;
  /** The position in the value. */
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined;
}

/**
 * The schema of a route's messages. Received messages are validated. Sent messages are only checked by
 * the compiler, because the server itself makes them.
 */
export type MessageSchema =
  | StandardSchema
  | { readonly receive: StandardSchema; readonly send: StandardSchema };

/** The part of `schema` that validates received values; undefined if `schema` is not a schema. */
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
