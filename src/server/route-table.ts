import { resolveCompression } from "../protocol/deflate/index.ts";
import { type HttpRefusal, refuse } from "../protocol/handshake/http-refusal.ts";
import type { ApplicationOptions } from "./application-options.ts";
import { RouteCompression } from "./route-compression.ts";
import type { ConnectionLimits } from "./connection-limits.ts";
import { checkLimits, checkNotServers } from "./options.ts";
import { compileOriginPolicy, type OriginCheck } from "./origin.ts";
import {
  compilePattern,
  invalidRoute,
  type Params,
  type RoutePattern,
} from "./patterns/route-pattern.ts";
import { shadows } from "./patterns/shadowing.ts";
import { compileProtocols, type ProtocolChooser } from "./protocol-choice.ts";
import type { HttpHandler } from "./http-route.ts";
import type { Route } from "./routes.ts";
import type { WebSocketContext } from "./upgrade-contexts.ts";
import type { WebSocketHandler, WebSocketRoute } from "./web-socket-route.ts";
import { type MessageSchema, receivingSchema } from "./standard-schema.ts";
import { UsageError } from "../errors/index.ts";
import { NEEDS_WILDCARD } from "./values.ts";
import { JsonSocket } from "./json-socket.ts";
import type { ServerSocket } from "./server-socket.ts";

/** A compiled `ws:` route. */
export interface WebSocketEntry {
  readonly key: string;
  readonly path: string;
  readonly pattern: RoutePattern;
  readonly chooseProtocol: ProtocolChooser;
  readonly isOriginAllowed: OriginCheck;
  readonly authorize: WebSocketRoute["authorize"];
  readonly handle: EntryHandler;
  /** Undefined where nothing is compressed. */
  readonly compression: RouteCompression | undefined;
  readonly limits: ConnectionLimits;
}

/** A handler with or without a schema, for the server's own class of sockets. */
type EntryHandler = (
  socket: ServerSocket,
  context: WebSocketContext<Params, string, unknown>,
) => unknown;

/** A compiled HTTP route. */
export interface HttpEntry {
  readonly key: string;
  readonly path: string;
  readonly pattern: RoutePattern;
  /** Undefined for any. */
  readonly method: string | undefined;
  readonly handle: HttpHandler;
}

export interface RouteMatch<Entry> {
  readonly entry: Entry;
  readonly params: Params;
}

/** A route that can never answer. */
export interface ShadowedRoute {
  readonly key: string;
  readonly error: UsageError;
}

/** The options of a server that its `ws:` routes can override. */
export type RouteDefaults = Pick<
  ApplicationOptions,
  keyof ConnectionLimits | "origins" | "compression"
>;

/** A record whose handler takes the socket that goes with its schema. */
interface AnyRecord extends Omit<WebSocketRoute, "schema" | "handle"> {
  readonly schema?: MessageSchema | undefined;
  readonly handle: WebSocketRoute["handle"] | TypedHandler;
}

type TypedHandler = WebSocketHandler<string, string, unknown, MessageSchema>;

const KEY = /^(?:([a-z]+):)?(\/.*)$/is;
const METHODS: readonly string[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

const NOT_FOUND = refuse(404, "Nothing is here.");
const UPGRADE_REQUIRED = refuse(426, "This resource speaks WebSocket.", {
  // RFC 6455 4.4 and RFC 9110 15.5.22.
  headers: { Upgrade: "websocket", "Sec-WebSocket-Version": "13" },
});

/** The routes of a server, compiled, in their order. */
export class RouteTable {
  readonly #webSockets: WebSocketEntry[] = [];
  readonly #http: HttpEntry[] = [];
  readonly #shadowed: ShadowedRoute[] = [];

  /** @throws UsageError `INVALID_ROUTE`, `INVALID_OPTION`, `INVALID_ORIGIN` */
  constructor(routes: Readonly<Record<string, Route>>, defaults: RouteDefaults = {}) {
    for (const [key, route] of Object.entries(routes)) {
      const [, prefix, path] = KEY.exec(key) ?? [];
      // "ws://host/path" is a URL, and no path that a browser asks for begins with two slashes.
      if (path === undefined || path.startsWith("//")) {
        throw invalidRoute(
          key,
          'a key is a path such as "/x/:id", perhaps behind "ws:" or a method',
        );
      }
      const pattern = compilePattern(path, key);
      if (prefix?.toLowerCase() === "ws") {
        const entry = compileWebSocket(key, path, pattern, route, defaults);
        this.#noteShadowed(entry, this.#webSockets);
        this.#webSockets.push(entry);
      } else {
        const method = readMethod(key, prefix);
        const entry = { key, path, pattern, method, handle: readHandler(key, pattern, route) };
        const before = this.#http.filter((other) => answersAll(other, method));
        this.#noteShadowed(entry, before);
        this.#http.push(entry);
      }
    }
  }

  /** An error for each route that can never answer because an earlier one matches the same paths. */
  get shadowed(): readonly ShadowedRoute[] {
    return this.#shadowed;
  }

  /** The first `ws:` route for `pathname`. */
  findWebSocket(pathname: string): RouteMatch<WebSocketEntry> | undefined {
    for (const entry of this.#webSockets) {
      const params = entry.pattern.match(pathname);
      if (params !== undefined) return { entry, params };
    }
    return undefined;
  }

  /** The first HTTP route for `pathname` and `method`. A `get:` route answers HEAD too. */
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

  /** The response where `findHttp` found no route: 404, 405 or 426. */
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

/** Whether `entry` answers all requests of `method`, where undefined means any method. */
function answersAll(entry: HttpEntry, method: string | undefined): boolean {
  return entry.method === undefined || (method !== undefined && answers(entry, method));
}

function answers({ method }: HttpEntry, requested: string): boolean {
  return method === undefined || method === requested || (method === "GET" && requested === "HEAD");
}

function readMethod(key: string, prefix: string | undefined): string | undefined {
  const method = prefix?.toUpperCase();
  if (method === undefined || METHODS.includes(method)) return method;
  throw invalidRoute(key, `${JSON.stringify(prefix)} is neither "ws" nor a method that is known`);
}

function readHandler(key: string, pattern: RoutePattern, route: Route): HttpHandler {
  if (typeof route !== "function") {
    throw invalidRoute(key, "the handler of an HTTP route must be a function");
  }
  if (NEEDS_WILDCARD in route && !pattern.hasWildcard) {
    throw invalidRoute(key, 'files() needs a key with a wildcard, such as "/static/*"');
  }
  return route as HttpHandler;
}

function compileWebSocket(
  key: string,
  path: string,
  pattern: RoutePattern,
  route: Route,
  defaults: RouteDefaults,
): WebSocketEntry {
  const {
    origins: defaultOrigins = "same-origin",
    compression: defaultCompression = false,
    ...defaultLimits
  } = defaults;
  const {
    protocols = [],
    origins = defaultOrigins,
    authorize,
    compression = defaultCompression,
    schema,
    handle,
    ...limits
  } = readRecord(key, route);
  const where = `the route ${JSON.stringify(key)}`;
  checkNotServers(limits, where);
  checkLimits(limits, where);
  const settings = resolveCompression(compression, "shared", where);
  return {
    key,
    path,
    pattern,
    chooseProtocol: compileProtocols(key, protocols),
    isOriginAllowed: compileOriginPolicy(origins),
    authorize,
    handle:
      schema === undefined
        ? (handle as WebSocketHandler)
        : withSchema(key, schema, handle as TypedHandler),
    compression: settings && new RouteCompression(settings),
    limits: { ...defaultLimits, ...limits },
  };
}

/** A handler of plain sockets out of one that is given typed sockets. */
function withSchema(key: string, schema: MessageSchema, handle: TypedHandler): EntryHandler {
  const receiving = receivingSchema(schema);
  if (receiving === undefined) {
    throw invalidRoute(key, "schema is a Standard Schema, version 1, or { receive, send } of such");
  }
  return (socket, context) => handle(new JsonSocket(socket, receiving), context);
}

function readRecord(key: string, route: Route): AnyRecord {
  if (typeof route === "function") return { handle: route as WebSocketHandler };
  if (typeof route?.handle !== "function") {
    throw invalidRoute(
      key,
      "a WebSocket route is a function, or a record with the function handle",
    );
  }
  if (route.authorize !== undefined && typeof route.authorize !== "function") {
    throw invalidRoute(key, "authorize is a function");
  }
  return route;
}
