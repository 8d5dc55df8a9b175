import { UsageError } from "../../errors/index.ts";
import { type HttpRefusal, refuse } from "../../protocol/handshake/http-refusal.ts";
import { compilePattern, invalidRoute, type Params } from "./patterns/route-pattern.ts";
import { shadows } from "./patterns/shadowing.ts";
import {
  compileHttp,
  compileWebSocket,
  type HttpEntry,
  type RouteDefaults,
  type WebSocketEntry,
} from "./route-entries.ts";
import type { Route } from "./routes.ts";

/** A route that matches a path, and the params of the path. */
export interface RouteMatch<Entry> {
  readonly entry: Entry;
  readonly params: Params;
}

/** A route that never answers, because an earlier one matches the same requests. */
export interface ShadowedRoute {
  readonly key: string;
  readonly error: UsageError;
}

const KEY = /^(?:([a-z]+):)?(\/.*)$/is;

const NOT_FOUND = refuse(404, "No route matches this path.");
const UPGRADE_REQUIRED = refuse(426, "This path accepts only WebSocket handshakes.", {
  // RFC 6455 4.4 and RFC 9110 15.5.22.
  headers: { Upgrade: "websocket", "Sec-WebSocket-Version": "13" },
});

/** The compiled routes of a server, in the order in which they are tried. */
export class RouteTable {
  readonly #webSockets: WebSocketEntry[] = [];
  readonly #http: HttpEntry[] = [];
  readonly #shadowed: ShadowedRoute[] = [];

  /** @throws UsageError `INVALID_ROUTE`, `INVALID_OPTION`, `INVALID_ORIGIN` */
  constructor(routes: Readonly<Record<string, Route>>, defaults: RouteDefaults = {}) {
    for (const [key, route] of Object.entries(routes)) {
      const [, prefix, path] = KEY.exec(key) ?? [];
      // "ws://host/path" is a URL, not a key. In a relative URL, "//host" names another host, not a path.
      if (path === undefined || path.startsWith("//")) {
        throw invalidRoute(
          key,
          'a key must be a path such as "/x/:id", with an optional prefix such as "ws:" or "get:"',
        );
      }
      const pattern = compilePattern(path, key);
      if (prefix?.toLowerCase() === "ws") {
        const entry = compileWebSocket({ key, prefix, path }, pattern, route, defaults);
        this.#noteShadowed(entry, this.#webSockets);
        this.#webSockets.push(entry);
      } else {
        const entry = compileHttp({ key, prefix, path }, pattern, route);
        const before = this.#http.filter((other) => answersAll(other, entry.method));
        this.#noteShadowed(entry, before);
        this.#http.push(entry);
      }
    }
  }

  /** The routes that never answer because an earlier one matches the same paths, each with an error. */
  get shadowed(): readonly ShadowedRoute[] {
    return this.#shadowed;
  }

  /** Finds the first `ws:` route that matches `pathname`. */
  findWebSocket(pathname: string): RouteMatch<WebSocketEntry> | undefined {
    for (const entry of this.#webSockets) {
      const params = entry.pattern.match(pathname);
      if (params !== undefined) return { entry, params };
    }
    return undefined;
  }

  /** Finds the first HTTP route that matches `pathname` and `method`. A `get:` route answers HEAD too. */
  findHttp(method: string, pathname: string): RouteMatch<HttpEntry> | undefined {
    for (const entry of this.#http) {
      if (!answers(entry, method)) continue;
      const params = entry.pattern.match(pathname);
      if (params !== undefined) return { entry, params };
    }
    return undefined;
  }

  #noteShadowed(later: { key: string; path: string }, before: readonly (typeof later)[]): void {
    const earlier = before.find(({ path }) => shadows(path, later.path));
    if (earlier === undefined) return;
    const [first, second] = [JSON.stringify(earlier.key), JSON.stringify(later.key)];
    const error = new UsageError(
      "SHADOWED_ROUTE",
      `the route ${second} never answers: ${first} comes before it and matches the same paths; ` +
        `put ${second} first`,
    );
    this.#shadowed.push({ key: later.key, error });
  }

  /** The response to a request for which `findHttp` finds no route: 404, 405 or 426. */
  explainMiss(method: string, pathname: string): HttpRefusal {
    const isWebSocket = this.findWebSocket(pathname) !== undefined;
    if (isWebSocket && (method === "GET" || method === "HEAD")) return UPGRADE_REQUIRED;
    const allowed = new Set(isWebSocket ? ["GET"] : []);
    for (const { method: allows, pattern } of this.#http) {
      if (allows === undefined || pattern.match(pathname) === undefined) continue;
      allowed.add(allows);
      if (allows === "GET") allowed.add("HEAD");
    }
    if (allowed.size === 0) return NOT_FOUND;
    const headers = { Allow: [...allowed].join(", ") };
    return refuse(405, `${method} is not allowed here.`, { headers });
  }
}

/** Whether `entry` answers all requests with `method`, or with any method if that is undefined. */
function answersAll(entry: HttpEntry, method: string | undefined): boolean {
  return entry.method === undefined || (method !== undefined && answers(entry, method));
}

function answers({ method }: HttpEntry, requested: string): boolean {
  return method === undefined || method === requested || (method === "GET" && requested === "HEAD");
}
