import type { BytesSchema } from "./bytes.ts";
import type { InputOf, OutputOf } from "./schema-types.ts";

/**
 * `T` itself if JSON can represent all of it. Otherwise, the parts of `T` that JSON cannot represent are
 * `never`, such as a `Date`, a `Map`, a function or a bigint. So `T` is JSON if it is assignable to `Json<T>`.
 */
export type Json<T> = unknown extends T
  ? T
  : T extends string | number | boolean | null
    ? T
    : T extends ((...parameters: never) => unknown) | bigint | symbol | undefined
      ? never
      : T extends readonly unknown[]
        ? number extends T["length"]
          ? // A mapped type would be infinite for a type such as `type Tree = Tree[]`.
            readonly Json<T[number]>[]
          : { [Key in keyof T]: JsonProperty<T[Key]> }
        : T extends object
          ? { [Key in keyof T]: JsonProperty<T[Key]> }
          : never;

/** Like {@link Json}, and `undefined` for an optional property, which JSON leaves out. */
export type JsonProperty<T> = unknown extends T ? T : T extends undefined ? T : Json<T>;

/** A type to which no part of a contract is assignable. TypeScript shows `Reason` in its error. */
export interface ContractError<Reason extends string> {
  readonly reason: Reason;
}

/** The error for a schema of values that JSON cannot represent. */
export type NotJson =
  ContractError<"the values must be JSON: strings, numbers, booleans, null, arrays, and plain objects of these">;

/** `unknown` if `Schema` is a schema of JSON values. Otherwise {@link NotJson}, to which none is assignable. */
export type CheckJsonSchema<Schema, Absent = never> = [
  Exclude<InputOf<Schema>, undefined>,
  Exclude<OutputOf<Schema>, Absent>,
] extends [Json<Exclude<InputOf<Schema>, undefined>>, Json<Exclude<OutputOf<Schema>, Absent>>]
  ? unknown
  : NotJson;

/** Like {@link CheckJsonSchema}, and allows `bytes()`. */
export type CheckDataSchema<Schema, Absent = never> = Schema extends BytesSchema
  ? unknown
  : CheckJsonSchema<Schema, Absent>;
