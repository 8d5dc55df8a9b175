/**
 * A schema of any validation library that implements Standard Schema, version 1 (https://standardschema.dev).
 * `Input` is the type of a valid value, and `Output` is its type after validation, which may convert it.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  /** The properties that Standard Schema defines. */
  readonly "~standard": {
    readonly version: 1;
    /** The name of the validation library. */
    readonly vendor: string;
    /** Validates a value. May return a promise. */
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    /** The types for TypeScript; absent at run time. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** The result of validation: the value, or the issues if it is invalid. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One reason why a value is invalid. */
export interface SchemaIssue {
  /** The message of the validation library. */
  readonly message: string;
  /** The path of the invalid part in the value; absent for the value itself. */
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined;
}

/**
 * The `schema` option of a route: one schema for received messages, or `{ receive, send }`. The server
 * validates received messages. Sent messages are only type-checked by TypeScript.
 */
export type MessageSchema =
  | StandardSchema
  | { readonly receive: StandardSchema; readonly send: StandardSchema };

/** Returns the schema for received values, or undefined if `schema` is not valid. */
export function receivingSchema(schema: MessageSchema): StandardSchema | undefined {
  if (isStandardSchema(schema)) return schema;
  const { receive, send } = Object(schema) as Partial<Record<"receive" | "send", unknown>>;
  return isStandardSchema(receive) && isStandardSchema(send) ? receive : undefined;
}

/** Whether a value implements Standard Schema, version 1. */
export function isStandardSchema(value: unknown): value is StandardSchema {
  // In some libraries, schemas are functions.
  if ((typeof value !== "object" || value === null) && typeof value !== "function") return false;
  const { version, validate } = Object((value as Partial<StandardSchema>)["~standard"]) as Partial<
    StandardSchema["~standard"]
  >;
  return version === 1 && typeof validate === "function";
}
