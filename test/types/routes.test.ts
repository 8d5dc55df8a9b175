/* oxlint-disable vitest/expect-expect, typescript/no-generated-empty-object-type -- the assertions are the compiler's, and a path without params has none */
/**
 * The types that `serve` infers. The compiler checks them (`npm run check`); running the test
 * checks the values.
 */
import {
  type attach,
  files,
  type HttpHandler,
  type Message,
  route,
  type Routes,
  type serve,
  type Server,
  type Socket,
  type WebSocketHandler,
  type WebSocketRoute,
} from "tideway/server";
import { describe, expect, expectTypeOf, it } from "vitest";
import type { PathOf, RouteParams } from "../../src/server/routes/patterns/route-param-types.ts";

/** Accepts and infers the same as `serve`, but starts nothing. */
const check: typeof serve = async () => undefined as unknown as Server;

describe("params", () => {
  it("are inferred from the pattern", () => {
    expectTypeOf<RouteParams<"/">>().toEqualTypeOf<{}>();
    expectTypeOf<RouteParams<"/rooms/:room">>().toEqualTypeOf<{ readonly room: string }>();
    expectTypeOf<RouteParams<"/:a/x/:b_2">>().toEqualTypeOf<{
      readonly a: string;
      readonly b_2: string;
    }>();
    expectTypeOf<RouteParams<"/:name.:extension">>().toEqualTypeOf<{
      readonly name: string;
      readonly extension: string;
    }>();
  });

  it("are optional with a modifier that allows their absence", () => {
    expectTypeOf<RouteParams<"/:a?">>().toEqualTypeOf<{ readonly a: string | undefined }>();
    expectTypeOf<RouteParams<"/:a*/:b+">>().toEqualTypeOf<{
      readonly a: string | undefined;
      readonly b: string;
    }>();
    expectTypeOf<RouteParams<"/x{/:lang}?/:id">>().toEqualTypeOf<{
      readonly lang: string | undefined;
      readonly id: string;
    }>();
    expectTypeOf<RouteParams<"/x{/:lang}/:id">>().toEqualTypeOf<{
      readonly lang: string;
      readonly id: string;
    }>();
  });

  it("are numbered if they have no name", () => {
    expectTypeOf<RouteParams<"/files/*">>().toEqualTypeOf<{ readonly 0: string }>();
    expectTypeOf<RouteParams<"/:a/*/(\\d+)">>().toEqualTypeOf<{
      readonly a: string;
      readonly 0: string;
      readonly 1: string;
    }>();
  });

  it("are not found in regular expressions or after a backslash", () => {
    expectTypeOf<RouteParams<"/:id(\\d+)/:b">>().toEqualTypeOf<{
      readonly id: string;
      readonly b: string;
    }>();
    expectTypeOf<RouteParams<"/:id((?:a\\)|b:c)*)?/:b">>().toEqualTypeOf<{
      readonly id: string | undefined;
      readonly b: string;
    }>();
    expectTypeOf<RouteParams<"/a\\:b/\\*/:c">>().toEqualTypeOf<{ readonly c: string }>();
  });

  it("have any name if the pattern is not a literal", () => {
    expectTypeOf<RouteParams<string>>().toEqualTypeOf<{
      readonly [name: string]: string | undefined;
    }>();
  });

  it("begin after the prefix of a key", () => {
    expectTypeOf<PathOf<"ws:/a/:b">>().toEqualTypeOf<"/a/:b">();
    expectTypeOf<PathOf<"get:/a">>().toEqualTypeOf<"/a">();
    expectTypeOf<PathOf<"GET:/a">>().toEqualTypeOf<"/a">();
    expectTypeOf<PathOf<"/:post">>().toEqualTypeOf<"/:post">();
  });
});

describe("one call of serve", () => {
  it("infers params, protocol and state in every handler", async () => {
    await check({
      routes: {
        "/": () => new Response("page"),
        "/users/:id": (request, { params, url }) => {
          expectTypeOf(request).toEqualTypeOf<Request>();
          expectTypeOf(params).toEqualTypeOf<{ readonly id: string }>();
          expectTypeOf(url).toEqualTypeOf<URL>();
          return new Response();
        },
        "post:/users/:id?": async (_request, { params }) => {
          expectTypeOf(params.id).toEqualTypeOf<string | undefined>();
          // @ts-expect-error There is no such param.
          void params.name;
          return new Response();
        },
        "ws:/plain/:room": async (socket, { params, protocol, state, request, url }) => {
          expectTypeOf(socket).toEqualTypeOf<Socket>();
          expectTypeOf(params).toEqualTypeOf<{ readonly room: string }>();
          expectTypeOf(protocol).toEqualTypeOf<"">();
          expectTypeOf(state).toEqualTypeOf<undefined>();
          expectTypeOf(request).toEqualTypeOf<Request>();
          expectTypeOf(url).toEqualTypeOf<URL>();
          for await (const message of socket) expectTypeOf(message).toEqualTypeOf<Message>();
        },
        "ws:/rooms/:room": {
          protocols: ["chat.v2", "chat.v1"],
          origins: ["https://example.com"],
          authorize: async (request: Request) => ({ user: request.url }),
          maxMessageBytes: 65_536,
          handle: (socket, { params, protocol, state, request }) => {
            expectTypeOf(socket).toEqualTypeOf<Socket>();
            expectTypeOf(params).toEqualTypeOf<{ readonly room: string }>();
            expectTypeOf(protocol).toEqualTypeOf<"chat.v2" | "chat.v1">();
            expectTypeOf(state).toEqualTypeOf<{ user: string }>();
            expectTypeOf(request).toEqualTypeOf<Request>();
          },
        },
        "ws:/other/*": {
          protocols: ["json", ""],
          authorize: (request: Request) =>
            request.url === "" ? new Response(null, { status: 401 }) : { id: 5 },
          handle: (_socket, { params, protocol, state }) => {
            expectTypeOf(params).toEqualTypeOf<{ readonly 0: string }>();
            expectTypeOf(protocol).toEqualTypeOf<"json" | "">();
            expectTypeOf(state).toEqualTypeOf<{ id: number }>();
          },
        },
        "ws:/async-refusal": {
          authorize: async () => (Date.now() === 0 ? new Response() : { id: Date.now() }),
          handle: (_socket, { protocol, state }) => {
            expectTypeOf(protocol).toEqualTypeOf<"">();
            expectTypeOf(state).toEqualTypeOf<{ id: number }>();
          },
        },
      },
    });
  });

  it("leaves the state unknown if the parameter of authorize has no type", async () => {
    await check({
      routes: {
        "ws:/:a": {
          authorize: (request, { params }) => {
            expectTypeOf(request).toEqualTypeOf<Request>();
            expectTypeOf(params).toEqualTypeOf<{ readonly a: string }>();
            return { id: 5 };
          },
          handle: (_socket, { state }) => expectTypeOf(state).toEqualTypeOf<unknown>(),
        },
      },
    });
  });

  it("refuses values that are not routes", async () => {
    // @ts-expect-error An HTTP handler returns a Response.
    await check({ routes: { "/": () => "page" } });
    // @ts-expect-error A record without a handler.
    await check({ routes: { "ws:/": { protocols: ["a"] } } });
    // @ts-expect-error A misspelt option.
    await check({ routes: { "ws:/": { protocol: ["a"], handle: () => {} } } });
    // @ts-expect-error protocols is a list.
    await check({ routes: { "ws:/": { protocols: "a", handle: () => {} } } });
    // @ts-expect-error authorize is a function.
    await check({ routes: { "ws:/": { authorize: true, handle: () => {} } } });
    // @ts-expect-error A limit is a number.
    await check({ routes: { "ws:/": { maxMessageBytes: "1 MiB", handle: () => {} } } });
    // @ts-expect-error There is no such option.
    await check({ ports: 5, routes: {} });
  });

  it("refuses at compile time the keys that serve refuses", async () => {
    const page = (): Response => new Response();
    // @ts-expect-error A path begins with a slash.
    await check({ routes: { "ws:chat": () => {} } });
    // @ts-expect-error A colon separates a method from its path.
    await check({ routes: { "GET /x": page } });
    // @ts-expect-error WebSockets over TLS have the prefix "ws:" too.
    await check({ routes: { "wss:/x": () => {} } });
    // @ts-expect-error A key is not a URL.
    await check({ routes: { "ws://localhost/x": () => {} } });
    // @ts-expect-error A path begins with one slash.
    await check({ routes: { "//x": page } });
    // @ts-expect-error The method does not exist.
    await check({ routes: { "trace:/x": page } });
    // @ts-expect-error A key is not empty.
    await check({ routes: { "": page } });
    // @ts-expect-error A path begins with a slash.
    await check({ routes: { chat: { handle: () => {} } } });
  });

  it("accepts prefixes in upper case", async () => {
    await check({
      routes: {
        "GET:/x/:id": (_request, { params }) => new Response(params.id),
        "WS:/x/:id": (socket, { params }) => socket.send(params.id),
      },
    });
  });

  it("refuses an authorize that never accepts a client", async () => {
    const handle = (): void => {};
    // @ts-expect-error The result of verifyClient in ws.
    await check({ routes: { "ws:/": { authorize: () => Date.now() > 0, handle } } });
    // @ts-expect-error The same, async.
    await check({ routes: { "ws:/": { authorize: async () => Date.now() > 0, handle } } });
    // @ts-expect-error Despite the type of the parameter.
    await check({ routes: { "ws:/": { authorize: (r: Request) => r.url === "", handle } } });
    // @ts-expect-error Nothing.
    await check({ routes: { "ws:/": { authorize: () => {}, handle } } });
    // @ts-expect-error A state must not be null.
    await check({ routes: { "ws:/": { authorize: () => null, handle } } });
    // @ts-expect-error A number.
    await check({ routes: { "ws:/": { authorize: () => 5, handle } } });
    // @ts-expect-error A string.
    await check({ routes: { "ws:/": { authorize: async () => "user", handle } } });
    // @ts-expect-error An array.
    await check({ routes: { "ws:/": { authorize: () => ["user"], handle } } });
    // @ts-expect-error A function.
    await check({ routes: { "ws:/": { authorize: () => handle, handle } } });
    const foreign = (): object & Pick<Response, "status" | "headers"> => new Response();
    // @ts-expect-error An object like a Response of another library.
    await check({ routes: { "ws:/": { authorize: foreign, handle } } });
    const find = (): { user: string } | undefined => undefined;
    // @ts-expect-error A user, or undefined.
    await check({ routes: { "ws:/": { authorize: find, handle } } });
    // @ts-expect-error The same with route().
    route("ws:/", { authorize: find, handle });
    // @ts-expect-error A boolean.
    route("ws:/", { authorize: () => true, handle });
    // @ts-expect-error A boolean, typed.
    const typed: WebSocketRoute<"/", "", boolean> = { authorize: () => true, handle };
    // @ts-expect-error A boolean, with an unknown state.
    const plain: WebSocketRoute = { authorize: () => true, handle };
    void [typed, plain];
  });

  it("accepts an authorize that returns an object, a Response or an Error", async () => {
    class User {
      readonly #name = "me";
      get name(): string {
        return this.#name;
      }
    }
    await check({
      routes: {
        "ws:/class": {
          authorize: () => (Date.now() === 0 ? new Error("no") : new User()),
          handle: (_socket, { state }) => expectTypeOf(state).toEqualTypeOf<User>(),
        },
        "ws:/map": {
          authorize: async () => new Map<string, number>(),
          handle: (_socket, { state }) => expectTypeOf(state).toEqualTypeOf<Map<string, number>>(),
        },
        "ws:/named": {
          authorize: () => ({ name: "a", message: "b" }),
          handle: (_socket, { state }) =>
            expectTypeOf(state).toEqualTypeOf<{ name: string; message: string }>(),
        },
        "ws:/optional": {
          authorize: (): { user?: string } => ({}),
          handle: (_socket, { state }) => expectTypeOf(state).toEqualTypeOf<{ user?: string }>(),
        },
        "ws:/any": {
          authorize: () => JSON.parse("{}"),
          handle: () => {},
        },
        "ws:/none": { authorize: () => new Response(null, { status: 401 }), handle: () => {} },
      },
    });
  });

  it("accepts handlers that return anything or nothing", async () => {
    const sockets = new Set<Socket>();
    await check({
      routes: {
        "ws:/a": (socket) => sockets.add(socket),
        "ws:/b": { handle: async (socket) => await socket.done },
        "ws:/c": () => {},
      },
    });
  });

  it("accepts handlers and routes that are defined elsewhere", async () => {
    const page: HttpHandler = (_request, { params }) => new Response(params["any"] ?? "");
    const echo: WebSocketHandler = async (socket, { params }) => {
      expectTypeOf(params["any"]).toEqualTypeOf<string | undefined>();
      for await (const message of socket) socket.send(message);
    };
    const room: WebSocketRoute<"/rooms/:room", "v1", { user: string }> = {
      protocols: ["v1"],
      authorize: () => ({ user: "me" }),
      handle: (_socket, { params, protocol, state }) => {
        expectTypeOf(params.room).toEqualTypeOf<string>();
        expectTypeOf(protocol).toEqualTypeOf<"v1">();
        expectTypeOf(state.user).toEqualTypeOf<string>();
      },
    };
    const fetchHandler = (request: Request): Promise<Response> => fetch(request);
    await check({
      routes: {
        "/page/:id": page,
        "ws:/echo/:id": echo,
        "ws:/rooms/:room": room,
        "/api/*": fetchHandler,
        "/static/*": files("docs"),
      },
    });
    const table: Routes = { "/": page, "ws:/": echo };
    await check({ routes: table });
    await check({ routes: {} });
  });
});

describe("route", () => {
  it("infers everything, even with an authorize without type annotations", async () => {
    const room = route("ws:/rooms/:room", {
      protocols: ["v2", "v1"],
      authorize: async (request, { params }) => {
        expectTypeOf(request).toEqualTypeOf<Request>();
        expectTypeOf(params).toEqualTypeOf<{ readonly room: string }>();
        return params.room === "" ? new Response() : { user: request.url };
      },
      handle: (socket, { params, protocol, state }) => {
        expectTypeOf(socket).toEqualTypeOf<Socket>();
        expectTypeOf(params).toEqualTypeOf<{ readonly room: string }>();
        expectTypeOf(protocol).toEqualTypeOf<"v2" | "v1">();
        expectTypeOf(state).toEqualTypeOf<{ user: string }>();
      },
    });
    const plain = route("ws:/plain", {
      handle: (_socket, { protocol, state }) => {
        expectTypeOf(protocol).toEqualTypeOf<"">();
        expectTypeOf(state).toEqualTypeOf<undefined>();
      },
    });
    expect(Object.keys({ ...room, ...plain })).toEqual(["ws:/rooms/:room", "ws:/plain"]);
    await check({ routes: { "/": () => new Response(), ...room, ...plain } });
  });

  it("accepts only WebSocket routes", () => {
    // @ts-expect-error HTTP routes are not accepted.
    route("/page", { handle: () => {} });
  });
});

it("attach infers the same types", () => {
  const checkAttach: typeof attach = () => undefined as unknown as ReturnType<typeof attach>;
  checkAttach(undefined as never, {
    routes: {
      "ws:/:a": {
        protocols: ["x"],
        authorize: (_request: Request): { id: number } => ({ id: 5 }),
        handle: (_socket, { params, protocol, state }) => {
          expectTypeOf(params).toEqualTypeOf<{ readonly a: string }>();
          expectTypeOf(protocol).toEqualTypeOf<"x">();
          expectTypeOf(state).toEqualTypeOf<{ id: number }>();
        },
      },
    },
  });
});
