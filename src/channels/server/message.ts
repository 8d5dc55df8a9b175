import { UsageError } from "../../errors/index.ts";
import type { StandardSchema } from "../../schema/standard-schema.ts";
import type { Validation } from "../../schema/validate.ts";
import { validateData } from "./validate-data.ts";

/**
 * Validates a message of the application, and encodes it for the broker.
 *
 * @throws UsageError `INVALID_MESSAGE`, or the error of the schema
 */
export async function encodeMessage(
  schema: StandardSchema,
  message: unknown,
): Promise<string | Uint8Array> {
  const validation = await validateData(schema, message);
  if (validation.kind === "valid") return encodeData(validation.value);
  throw causeOf(validation);
}

/**
 * Encodes a valid message for the broker: bytes as they are, and anything else as JSON.
 *
 * @throws UsageError `INVALID_MESSAGE` if JSON cannot express it
 */
export function encodeData(message: unknown): string | Uint8Array {
  if (message instanceof Uint8Array) return message;
  let text: string | undefined;
  try {
    text = JSON.stringify(message);
  } catch (cause) {
    throw new UsageError("INVALID_MESSAGE", "JSON cannot express the message; see cause", {
      cause,
    });
  }
  if (text !== undefined) return text;
  throw new UsageError(
    "INVALID_MESSAGE",
    `JSON cannot express a message of type ${typeof message}; return what the contract describes`,
  );
}

/** The error for the server's log when a value of the application is not valid. */
export function causeOf(validation: Exclude<Validation<unknown>, { kind: "valid" }>): unknown {
  if (validation.kind !== "invalid") return validation.cause;
  const [first] = validation.issues;
  return new UsageError(
    "INVALID_MESSAGE",
    `a value of the server does not match its schema in the contract: ${String(first?.message)}`,
    { cause: validation.issues },
  );
}
