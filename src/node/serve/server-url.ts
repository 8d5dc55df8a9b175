import { resolve as resolvePath } from "node:path";
import type { ListenPlace } from "./listen.ts";

/** The URL of a server that listens on `place`, and on `port` if that is not a Unix socket. */
export function serverUrl(place: ListenPlace, port: number, isSecure: boolean): string {
  const scheme = isSecure ? "https" : "http";
  return "path" in place
    ? `${scheme}+unix:${encodePath(place.path)}:`
    : `${scheme}://${urlHost(place.host)}:${port}`;
}

/** Encodes the absolute path of a Unix socket for a `ws+unix:` URL. */
function encodePath(path: string): string {
  return resolvePath(path).split("/").map(encodeURIComponent).join("/");
}

/** The host of a URL for the address `host`. */
function urlHost(host = "::"): string {
  if (host === "::" || host === "0.0.0.0") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}
