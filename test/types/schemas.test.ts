/* oxlint-disable vitest/expect-expect -- the assertions are the compiler's */
/** What a route's `schema` makes of its handler's socket. The compiler checks it. */
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

/** Takes what `serve` takes, and infers the same, but starts nothing. */
const check: typeof serve = async () => undefined as unknown as Server;

interface Move {
  readonly to: string;
}

type Notice = { type: "moved"; to: string } | { type: "left" };

declare const move: StandardSchema<Move>;
declare const notice: StandardSchema<Notice>;
/** As of a library whose validation makes dates of texts. */
declare const date: StandardSchema<string, Date>;

describe("a schema", () => {
  it("types the socket, by key, beside params, protocol and state", async () => {
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

  it("may say what is sent: what its validation would take", async () => {
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
              // @ts-expect-error Nor here.
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

  it("leaves what is sent to a handler that narrows it", async () => {
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
            // @ts-expect-error What is received is what the schema says.
            handle: (_socket: TypedSocket<Date>) => {},
          },
        },
      }));
  });

  it("may be written by hand, without types", async () => {
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

  it("is refused where it is none", async () => {
    void (() => {
      // @ts-expect-error A number is no schema.
      void check({ routes: { "ws:/": { schema: 5, handle: () => {} } } });
      // @ts-expect-error It lacks what is received.
      void check({ routes: { "ws:/": { schema: { send: move }, handle: () => {} } } });
      // @ts-expect-error HTTP routes have none.
      void check({ routes: { "/": { schema: move, handle: () => new Response() } } });
    });
  });
});

describe("a route with a schema that was made elsewhere", () => {
  it("has it inferred by route, beside everything else", async () => {
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

  it("says it in its type", async () => {
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

describe("a route of the default types", () => {
  it("fits behind any ws: key", async () => {
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

it("attach infers the same", () => {
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
