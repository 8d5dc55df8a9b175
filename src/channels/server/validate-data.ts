import type { StandardSchema } from "../../schema/standard-schema.ts";
import { validate, type Validation } from "../../schema/validate.ts";
import { isBytesSchema } from "../contract/bytes.ts";

/** A schema of JSON may accept any object, so it does not notice bytes. */
const UNEXPECTED_BYTES: Validation<never> = {
  kind: "invalid",
  issues: [{ message: "expected JSON, and not bytes" }],
};

/**
 * Validates data that is JSON or bytes. Bytes are valid only for the schema `bytes()`. Never throws or
 * rejects, and returns a promise only if the schema does.
 */
export function validateData<T>(
  schema: StandardSchema<unknown, T>,
  data: unknown,
): Validation<T> | Promise<Validation<T>> {
  if (data instanceof Uint8Array && !isBytesSchema(schema)) return UNEXPECTED_BYTES;
  return validate(schema, data);
}
