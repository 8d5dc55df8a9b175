import { percentDecode } from "../../client/unix-url.ts";

type Fields = ReadonlyArray<readonly [name: string, value: string]>;

/** The decoded user and password of a URL, as in `user:password`. Undefined if it has neither. */
export function userInfoOf({ username, password }: URL): string | undefined {
  if (username === "" && password === "") return undefined;
  return `${percentDecode(username)}:${percentDecode(password)}`;
}

/**
 * Adds the user and password of a URL to header fields, as Basic authentication (RFC 7617). Returns `fields`
 * if the URL has neither, or `fields` has the field `name` already.
 *
 * @param name `Authorization` or `Proxy-Authorization`
 */
export function withBasicAuth(url: URL, name: string, fields: Fields): Fields {
  const userInfo = userInfoOf(url);
  if (userInfo === undefined || hasField(fields, name)) return fields;
  return [[name, `Basic ${Buffer.from(userInfo).toString("base64")}`], ...fields];
}

/** Whether `fields` has the field `name`, in any case. */
export function hasField(fields: Fields, name: string): boolean {
  return fields.some(([field]) => field.toLowerCase() === name.toLowerCase());
}
