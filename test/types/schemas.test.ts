/* oxlint-disable vitest/expect-expect -- the assertions are the compiler's */
/** How the `schema` of a route types its handler's socket. The compiler checks it. */
import {
  type attach,
  type Message,
  route,
  type Routes,
  type serve,
  type Server,
  type Socket,
  type StandardSchema,
  type TypedSocket,
  type WebSocketHandler,
  type WebSocketRoute,
} from "tideway/server";
import { describe, expect, expectTypeOf, it } from "vitest";

/** Accepts and infers the same as `serve`, but starts nothing. */
const check: typeof serve = async () => undefined as unknown as Server;

interface Move {
  readonly to: string;
}

type Notice = { type: "moved"; to: string } | { type: "left" };

declare const move: StandardSchema<Move>;
declare const notice: StandardSchema<Notice>;
/** As in a library that turns strings into dates. */
declare const date: StandardSchema<string, Date>;

describe("a schema", () => {
  it("types the socket by key, together with params, protocol and state", async () => {
    void (() =>
      check({
        routes: {
          "/": () => new Response(),
          "ws:/plain": async (socket) => {
            expectTypeOf(socket).toEqualTypeOf<Socket>();
            for await (const message of socket) expectTypeOf(message).toEqualTypeOf<Message>();
          },
          "ws:/record": {
            handle: (socket) => expectTypeOf(socket).toEqualTypeOf<Socket>(),
          },
          "ws:/games/:game": {
            protocols: ["v2", "v1"],
            schema: move,
            authorize: async (request: Request) => ({ user: request.url }),
            handle: async (socket, { params, protocol, state, request }) => {
              expectTypeOf(socket).toEqualTypeOf<TypedSocket<Move>>();
              expectTypeOf(params).toEqualTypeOf<{ readonly game: string }>();
              expectTypeOf(protocol).toEqualTypeOf<"v2" | "v1">();
              expectTypeOf(state).toEqualTypeOf<{ user: string }>();
              expectTypeOf(request).toEqualTypeOf<Request>();
              for await (const message of socket) expectTypeOf(message).toEqualTypeOf<Move>();
            },
          },
          "ws:/dates": {
            schema: date,
            handle: (socket, { protocol, state }) => {
              expectTypeOf(socket).toEqualTypeOf<TypedSocket<Date>>();
              expectTypeOf(protocol).toEqualTypeOf<"">();
              expectTypeOf(state).toEqualTypeOf<unknown>();
            },
          },
        },
      }));
  });

  it("types every way of receiving", () => {
    void ((socket: TypedSocket<Move>) => {
      socket.listen((message) => expectTypeOf(message).toEqualTypeOf<Move>());
      expectTypeOf(socket.readable).toEqualTypeOf<ReadableStream<Move>>();
      expectTypeOf(socket[Symbol.asyncIterator]()).toEqualTypeOf<
        AsyncIterableIterator<Move, undefined>
      >();
      expectTypeOf(socket.socket).toEqualTypeOf<Socket>();
    });
  });

  it("types sent values too, by the input type of its validation", async () => {
    void (() =>
      check({
        routes: {
          "ws:/a": {
            schema: { receive: date, send: notice },
            handle: (socket) => {
              expectTypeOf(socket).toEqualTypeOf<TypedSocket<Date, Notice>>();
              socket.send({ type: "left" });
              void socket.addStream([{ type: "moved", to: "a" }]);
              expectTypeOf(socket.writable).toEqualTypeOf<WritableStream<Notice>>();
              // @ts-expect-error There is no such notice.
              socket.send({ type: "mov" });
              // @ts-expect-error There is no such notice.
              void socket.addStream([{ type: "mov" }]);
            },
          },
          "ws:/b": {
            schema: { receive: move, send: date },
            handle: (socket) => expectTypeOf(socket).toEqualTypeOf<TypedSocket<Move, string>>(),
          },
        },
      }));
  });

  it("accepts a handler with a narrower type for sent values", async () => {
    void (() =>
      check({
        routes: {
          "ws:/a/:b": {
            schema: move,
            handle: (socket: TypedSocket<Move, Notice>, { params }) => {
              expectTypeOf(params).toEqualTypeOf<{ readonly b: string }>();
              // @ts-expect-error There is no such notice.
              socket.send({ type: "mov" });
            },
          },
          "ws:/c": {
            schema: move,
            // @ts-expect-error Received values have the type of the schema.
            handle: (_socket: TypedSocket<Date>) => {},
          },
        },
      }));
  });

  it("can be an object without types", async () => {
    const count = {
      "~standard": {
        version: 1 as const,
        vendor: "hand",
        validate: (value: unknown) =>
          typeof value === "number" ? { value } : { issues: [{ message: "no number" }] },
      },
    };
    const callable = Object.assign(() => true, count);
    await check({
      routes: {
        "ws:/a": {
          schema: count,
          handle: (socket) => expectTypeOf(socket).toEqualTypeOf<TypedSocket<number>>(),
        },
        "ws:/b": {
          schema: { receive: callable, send: count },
          handle: (socket) => expectTypeOf(socket).toEqualTypeOf<TypedSocket<number>>(),
        },
      },
    });
  });

  it("is refused if it is not a Standard Schema", async () => {
    void (() => {
      // @ts-expect-error A number is not a schema.
      void check({ routes: { "ws:/": { schema: 5, handle: () => {} } } });
      // @ts-expect-error The type of received values is missing.
      void check({ routes: { "ws:/": { schema: { send: move }, handle: () => {} } } });
      // @ts-expect-error HTTP routes have no schema.
      void check({ routes: { "/": { schema: move, handle: () => new Response() } } });
    });
  });
});

describe("a route with a schema that is defined elsewhere", () => {
  it("is inferred by route with everything else", async () => {
    void (() => {
      const game = route("ws:/games/:game", {
        protocols: ["v1"],
        schema: { receive: move, send: notice },
        authorize: async (_request, { params }) => ({ game: params.game }),
        handle: (socket, { params, protocol, state }) => {
          expectTypeOf(socket).toEqualTypeOf<TypedSocket<Move, Notice>>();
          expectTypeOf(params).toEqualTypeOf<{ readonly game: string }>();
          expectTypeOf(protocol).toEqualTypeOf<"v1">();
          expectTypeOf(state).toEqualTypeOf<{ game: string }>();
        },
      });
      const single = route("ws:/moves", {
        schema: move,
        handle: (socket) => expectTypeOf(socket).toEqualTypeOf<TypedSocket<Move>>(),
      });
      void check({ routes: { ...game, ...single } });
    });
  });

  it("names the schema in its type", async () => {
    void (() => {
      const game: WebSocketRoute<"/:game", "", undefined, typeof move> = {
        schema: move,
        handle: (socket) => expectTypeOf(socket).toEqualTypeOf<TypedSocket<Move>>(),
      };
      const table: Routes = {
        "ws:/a": {
          schema: date,
          handle: (socket: TypedSocket<unknown>) => socket.send(1),
        },
        "ws:/b": { handle: (socket: Socket) => socket.send("") },
      };
      void check({ routes: { "ws:/:game": game } });
      void check({ routes: table });
    });
  });
});

describe("a route with the default types", () => {
  it("fits any ws: key", async () => {
    const echo: WebSocketRoute = {
      protocols: ["json", ""],
      handle: async (socket, { params, protocol, state }) => {
        expectTypeOf(params).toEqualTypeOf<{ readonly [name: string]: string | undefined }>();
        expectTypeOf(protocol).toEqualTypeOf<string>();
        expectTypeOf(state).toEqualTypeOf<unknown>();
        for await (const message of socket) socket.send(message);
      },
    };
    const make = (): WebSocketRoute => echo;
    const handler: WebSocketHandler = () => {};
    await check({
      routes: {
        "ws:/chat": echo,
        "ws:/rooms/:room": make(),
        "ws:/files/*": echo,
        "ws:/:a/:b?": handler,
        "/": () => new Response(),
      },
    });
    expect(make()).toBe(echo);
  });
});

it("attach infers the same types", () => {
  const checkAttach: typeof attach = () => undefined as unknown as ReturnType<typeof attach>;
  void (() =>
    checkAttach(undefined as never, {
      routes: {
        "ws:/:a": {
          schema: move,
          handle: (socket) => expectTypeOf(socket).toEqualTypeOf<TypedSocket<Move>>(),
        },
      },
    }));
});
