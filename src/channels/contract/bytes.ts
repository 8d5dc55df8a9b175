import type { StandardSchema } from "../../schema/standard-schema.ts";

/** The schema that {@link bytes} returns. */
export interface BytesSchema extends StandardSchema<Uint8Array, Uint8Array<ArrayBuffer>> {
  /** Tells the schema apart from schemas of JSON values. */
  readonly isBytes: true;
}

const BYTES: BytesSchema = {
  isBytes: true,
  "~standard": {
    version: 1,
    vendor: "tideway",
    validate: (value) =>
      value instanceof Uint8Array
        ? { value: value as Uint8Array<ArrayBuffer> }
        : { issues: [{ message: "expected bytes (a Uint8Array)" }] },
  },
};

/**
 * Returns the schema of bytes, for the messages and drafts of a topic, and for the input, output and items of
 * calls. Bytes are sent in binary WebSocket messages, without an encoding such as base64.
 */
export function bytes(): BytesSchema {
  return BYTES;
}

/** Whether {@link bytes} made a schema. */
export function isBytesSchema(schema: unknown): schema is BytesSchema {
  return Object(schema).isBytes === true;
}
