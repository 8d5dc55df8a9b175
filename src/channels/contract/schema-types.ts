/** The type of the values that a schema accepts; `unknown` if the schema does not say. */
export type InputOf<Schema> = Schema extends {
  readonly "~standard": { readonly types?: { readonly input: infer Input } | undefined };
}
  ? Input
  : unknown;

/** The type of the values that a schema returns. */
export type OutputOf<Schema> = Schema extends {
  // From the result of `validate`, because a schema may leave out `types`.
  readonly "~standard": { readonly validate: (value: unknown) => infer Result };
}
  ? Extract<Awaited<Result>, { readonly value: unknown }>["value"]
  : unknown;
