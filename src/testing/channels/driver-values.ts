import { fromHex, toHex } from "./script-connection.ts";

/** Replaces `{ "<bytes>": hexadecimal }` with bytes, in the arguments of a driver. */
export function toDriver(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(toDriver);
  if ("<bytes>" in value) return fromHex(value["<bytes>"] as string);
  return mapFields(value, toDriver);
}

/** Replaces bytes with `{ "<bytes>": hexadecimal }`, and errors with objects, in the results of a driver. */
export function fromDriver(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) return { "<bytes>": toHex(value) };
  if (Array.isArray(value)) return value.map(fromDriver);
  return mapFields(value, fromDriver);
}

/** The own fields of an object, and the code and message of an error. */
function mapFields(value: object, map: (value: unknown) => unknown): unknown {
  const { code, message } = value as { code?: unknown; message?: unknown };
  const ofError = value instanceof Error ? Object.entries({ code, message }) : [];
  const fields = [...Object.entries(value), ...ofError] as [string, unknown][];
  return Object.fromEntries(fields.map(([name, field]) => [name, map(field)]));
}
