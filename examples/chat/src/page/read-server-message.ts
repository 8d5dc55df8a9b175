import type { ServerMessage } from "../wire/wire.ts";

/** Returns the message in `data`, or undefined if the page does not know it. */
export function readServerMessage(data: unknown): ServerMessage | undefined {
  if (typeof data !== "string") return undefined;
  const value = parse(data);
  return isServerMessage(value) ? value : undefined;
}

function isServerMessage(value: unknown): value is ServerMessage {
  if (typeof value !== "object" || value === null) return false;
  const fields: { readonly [field: string]: unknown } = { ...value };
  const { type, id, name, text, date, users, position } = fields;
  switch (type) {
    case "id":
      return typeof id === "number" && isTextOrAbsent(position);
    case "rejectusername":
      return typeof name === "string";
    case "username":
      return typeof id === "number" && typeof name === "string";
    case "userlist":
      return Array.isArray(users) && users.every((user) => typeof user === "string");
    case "message":
      return (
        typeof name === "string" &&
        typeof text === "string" &&
        isDate(date) &&
        isTextOrAbsent(position)
      );
    case "lost":
      return typeof position === "string";
    default:
      return false;
  }
}

function isTextOrAbsent(value: unknown): boolean {
  return value === undefined || typeof value === "string";
}

/** ECMA-262 21.4.1.1: beyond this range there are no dates. */
function isDate(value: unknown): value is number {
  return typeof value === "number" && Math.abs(value) <= 8.64e15;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
