import { shown } from "../../errors/check-options.ts";
import {
  acceptDeflate,
  type DeflateAgreement,
  type DeflateSettings,
  resolveCompression,
} from "../../protocol/deflate/index.ts";
import { type ExtensionOffer, serializeExtensions } from "../../protocol/handshake/index.ts";
import { type MessageSchema, receivingSchema } from "../../schema/standard-schema.ts";
import type { ApplicationOptions } from "../options/application-options.ts";
import { checkLimits, checkNotServers } from "../options/check-options.ts";
import type { ConnectionLimits } from "../options/connection-limits.ts";
import { compileOriginPolicy, type OriginCheck } from "../requests/origin-policy.ts";
import type { ServerSocket } from "../socket/server-socket.ts";
import { JsonSocket } from "../socket/typed/json-socket.ts";
import { CREATES_ROUTE, type HttpHandler, NEEDS_WILDCARD } from "./http-route.ts";
import { invalidRoute, type Params, type RoutePattern } from "./patterns/route-pattern.ts";
import { compileProtocols, type ProtocolChooser } from "./protocol-choice.ts";
import type { Route } from "./routes.ts";
import type { WebSocketContext } from "./upgrade-contexts.ts";
import type { WebSocketHandler, WebSocketRoute } from "./web-socket-route.ts";

/** The parts of a route's key. */
export interface RouteKey {
  readonly key: string;
  /** An HTTP method, or `ws`, in upper or lower case. */
  readonly prefix: string | undefined;
  readonly path: string;
}

/** A compiled `ws:` route. */
export interface WebSocketEntry {
  readonly key: string;
  readonly path: string;
  readonly pattern: RoutePattern;
  readonly chooseProtocol: ProtocolChooser;
  readonly isOriginAllowed: OriginCheck;
  readonly authorize: WebSocketRoute["authorize"];
  readonly handle: EntryHandler;
  /** Undefined if the route does not compress messages. */
  readonly compression: RouteCompression | undefined;
  readonly limits: ConnectionLimits;
}

/** The handler of a route, with or without a schema, for the server's class of sockets. */
type EntryHandler = (
  socket: ServerSocket,
  context: WebSocketContext<Params, string, unknown>,
) => unknown;

/** A compiled HTTP route. */
export interface HttpEntry {
  readonly key: string;
  readonly path: string;
  readonly pattern: RoutePattern;
  /** Undefined for any method. */
  readonly method: string | undefined;
  readonly handle: HttpHandler;
}

/** The options of a server that its `ws:` routes can override. */
export type RouteDefaults = Pick<
  ApplicationOptions,
  keyof ConnectionLimits | "origins" | "compression"
>;

/** A route as an object, with a handler for plain or typed sockets. */
interface AnyRecord extends Omit<WebSocketRoute, "schema" | "handle"> {
  readonly schema?: MessageSchema | undefined;
  readonly handle: WebSocketRoute["handle"] | TypedHandler;
}

type TypedHandler = WebSocketHandler<string, string, unknown, MessageSchema>;

const METHODS: readonly string[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** Compiles a `ws:` route. @throws UsageError `INVALID_ROUTE`, `INVALID_OPTION`, `INVALID_ORIGIN` */
export function compileWebSocket(
  { key, path }: RouteKey,
  pattern: RoutePattern,
  route: Route,
  defaults: RouteDefaults,
): WebSocketEntry {
  checkNotChannels(key, path, route);
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

/** Compiles an HTTP route. @throws UsageError `INVALID_ROUTE` */
export function compileHttp(
  { key, path, prefix }: RouteKey,
  pattern: RoutePattern,
  route: Route,
): HttpEntry {
  checkNotChannels(key, path, route);
  const method = readMethod(key, prefix);
  return { key, path, pattern, method, handle: readHandler(key, pattern, route) };
}

/** Wraps a handler of typed sockets so that it takes plain sockets. */
function withSchema(key: string, schema: MessageSchema, handle: TypedHandler): EntryHandler {
  const receiving = receivingSchema(schema);
  if (receiving === undefined) {
    throw invalidRoute(
      key,
      "schema must be a Standard Schema, version 1, or { receive, send } with two of them",
    );
  }
  return (socket, context) => handle(new JsonSocket(socket, receiving), context);
}

/** @throws UsageError `INVALID_ROUTE` for the result of `channels`, and for its method that returns its route */
function checkNotChannels(key: string, path: string, route: Route): void {
  const wanted = `write ${JSON.stringify(`ws:${path}`)}: api.route()`;
  if (typeof (route as { readonly route?: unknown } | null)?.route === "function")
    throw invalidRoute(key, `it has a Channels object as its value; ${wanted}`);
  if (typeof route === "function" && CREATES_ROUTE in route)
    throw invalidRoute(key, `its value is the method route, which is not called; ${wanted}`);
}

function readRecord(key: string, route: Route): AnyRecord {
  if (typeof route === "function") return { handle: route as WebSocketHandler };
  if (typeof route?.handle !== "function") {
    throw invalidRoute(
      key,
      `its value is ${nameOf(route)}; a WebSocket route must be a function, or an object with the function handle`,
    );
  }
  if (route.authorize !== undefined && typeof route.authorize !== "function") {
    throw invalidRoute(key, "authorize must be a function");
  }
  return route;
}

/** Returns the method in the prefix of a key; undefined for any method. @throws UsageError `INVALID_ROUTE` */
function readMethod(key: string, prefix: string | undefined): string | undefined {
  const method = prefix?.toUpperCase();
  if (method === undefined || METHODS.includes(method)) return method;
  if (method === "WSS")
    throw invalidRoute(key, 'begin the key with "ws:", which accepts wss: URLs too');
  throw invalidRoute(
    key,
    `its prefix ${JSON.stringify(prefix)} must be "ws" or one of ${METHODS.join(", ")}`,
  );
}

function readHandler(key: string, pattern: RoutePattern, route: Route): HttpHandler {
  if (typeof route !== "function") {
    const hint =
      typeof (route as Partial<WebSocketRoute> | null)?.handle === "function"
        ? `; for a WebSocket route, begin the key with "ws:"`
        : "";
    throw invalidRoute(
      key,
      `its value is ${nameOf(route)}; an HTTP route must be a function that returns a Response${hint}`,
    );
  }
  if (NEEDS_WILDCARD in route && !pattern.hasWildcard) {
    throw invalidRoute(key, 'files() needs a key with a wildcard, such as "/static/*"');
  }
  return route as HttpHandler;
}

/** Names the type of a route's value. An object is named with its members, which may be misspelt. */
function nameOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return shown(value);
  const name = value.constructor?.name ?? "Object";
  if (name !== "Object") return `an object of class ${name}`;
  return `an object with ${Object.keys(value).join(", ") || "no members"}`;
}

/** The compression that the handshake has negotiated. */
interface AgreedCompression {
  /** The value of `Sec-WebSocket-Extensions` in the response. */
  readonly extensions: string;
  readonly agreement: DeflateAgreement;
}

/** Negotiates the compression of a route. */
class RouteCompression {
  readonly #settings: DeflateSettings;
  /**
   * The negotiated compression, by the value of the response header. Few values are possible, so thousands of
   * connections share one object.
   */
  readonly #agreed = new Map<string, AgreedCompression>();

  constructor(settings: DeflateSettings) {
    this.#settings = settings;
  }

  /** Accepts an offer of the client. Returns undefined, for no compression, if no offer is acceptable. */
  accept(offers: readonly ExtensionOffer[], minWindowBits: number): AgreedCompression | undefined {
    const accepted = acceptDeflate(offers, this.#settings, minWindowBits);
    if (accepted === undefined) return undefined;
    const extensions = serializeExtensions([accepted.extension]);
    const known = this.#agreed.get(extensions);
    if (known !== undefined) return known;
    const agreed = { extensions, agreement: accepted.agreement };
    this.#agreed.set(extensions, agreed);
    return agreed;
  }
}
